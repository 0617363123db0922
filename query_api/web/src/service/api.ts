// The one place that talks to the API: addresses, errors, age of the data.

import { credential, type Credential, headersOf } from './credentials'
import { texts } from '../text'

const meta = (name: string) => document.querySelector<HTMLMetaElement>(`meta[name=${name}]`)!.content

/** Where the start page lies, with the prefix of a proxy if there is one: `/` or `/hashgauge/`. */
export const ROOT = new URL(meta('root'), location.href).pathname
export const BASE = ROOT + meta('api-base').slice(1)

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
  // Excel takes a CSV without a byte order mark for the code page of its country.
  const mark = type === 'text/csv' ? ['\ufeff'] : []
  saveFile(new Blob([...mark, await response.blob()], { type }), name)
}

export function saveFile(content: Blob, name: string): void {
  const url = URL.createObjectURL(content)
  const link = Object.assign(document.createElement('a'), { href: url, download: name })
  link.click()
  // The browser fetches the address after this task; a minute is plenty.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

/** A change: its answer, or null if it has none. */
export async function send<T>(method: string, path: string, body?: object): Promise<T | null> {
  const response = await request(path, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
  })
  return response.status === 204 ? null : ((await response.json()) as T)
}

export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response
  try {
    response = await fetch(BASE + path, {
      ...init,
      headers: { ...headersOf(credential()), ...(init.headers as Record<string, string> | undefined) },
    })
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new ApiError(0, texts.page.noAnswer)
  }
  if (!response.ok) throw new ApiError(response.status, await errorMessage(response))
  return response
}

/** Which kind of key this is, or null if no way in takes it. ApiError if nobody answers. */
export async function tryKey(value: string): Promise<Credential | null> {
  for (const kind of ['user key', 'internal key'] as const) {
    const tried: Credential = { kind, value }
    try {
      await request('/user', { headers: headersOf(tried), credentials: 'omit' })
      return tried
    } catch (error) {
      if (!(error instanceof ApiError) || error.passing) throw error
    }
  }
  return null
}

async function errorMessage(response: Response): Promise<string> {
  try {
    const { error } = (await response.json()) as { error?: { code?: string; message?: string } }
    return texts.page.errors[error?.code ?? ''] ?? error?.message ?? response.statusText
  } catch {
    return response.statusText
  }
}
