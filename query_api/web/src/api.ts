// The one place that talks to the API: addresses, credentials, errors, age of the data.

export const BASE = document.querySelector<HTMLMetaElement>('meta[name=api-base]')!.content

const WATCHER = 'hashgauge.watcher'
const KEY = 'hashgauge.key'

/** A watcher token, handed over in the fragment of a link (`#watch=hfwl_…`): it reaches no log. */
export function keepWatcherToken(token: string): void {
  sessionStorage.setItem(WATCHER, token)
}

export function watcherToken(): string | null {
  return sessionStorage.getItem(WATCHER)
}

export function keepApiKey(key: string): void {
  sessionStorage.setItem(KEY, key)
}

export function forgetCredentials(): void {
  sessionStorage.removeItem(WATCHER)
  sessionStorage.removeItem(KEY)
}

/** Whether this tab holds a watcher token or an API key. */
export function hasCredentials(): boolean {
  return Object.keys(credentials()).length > 0
}

function credentials(): Record<string, string> {
  const token = watcherToken()
  if (token) return { 'X-Watcher-Token': token }
  const key = sessionStorage.getItem(KEY)
  return key ? { Authorization: `Bearer ${key}` } : {}
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }

  /** Worth trying again by itself: the network, or a service that is away for a while. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500
  }
}

export type Answer<T> = {
  body: T
  /** Stream time of the figures, epoch milliseconds; null where the answer has none. */
  asOf: number | null
  stale: boolean
  /** Seconds until the next figures are due. */
  maxAge: number
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<Answer<T>> {
  const response = await request(path, { signal })
  const asOf = response.headers.get('X-As-Of')
  const age = /max-age=(\d+)/.exec(response.headers.get('Cache-Control') ?? '')
  return {
    body: (await response.json()) as T,
    asOf: asOf ? Date.parse(asOf) : null,
    stale: response.headers.has('Warning'),
    maxAge: age ? Number(age[1]) : 0,
  }
}

/** A file that the API makes, with the credentials that a plain link could not carry. */
export async function download(path: string, name: string, type: string): Promise<void> {
  const response = await request(path, { headers: { Accept: type } })
  const url = URL.createObjectURL(await response.blob())
  const link = Object.assign(document.createElement('a'), { href: url, download: name })
  link.click()
  // The browser fetches the address after this task; a minute is plenty.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response
  try {
    response = await fetch(BASE + path, {
      ...init,
      headers: { ...credentials(), ...(init.headers as Record<string, string> | undefined) },
    })
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new ApiError(0, 'The service does not answer')
  }
  if (!response.ok) throw new ApiError(response.status, await errorMessage(response))
  return response
}

async function errorMessage(response: Response): Promise<string> {
  try {
    const body = (await response.json()) as { error?: { message?: string } }
    return body.error?.message ?? response.statusText
  } catch {
    return response.statusText
  }
}
