// The one place that talks to Ory Kratos: its browser flows, asked for as JSON.

import { ApiError, ROOT } from './api'
import { texts } from '../text'

/** Kratos' public API as browsers reach it; empty if nobody signs in here. */
export const IDENTITY = document.querySelector<HTMLMetaElement>('meta[name=identity]')!.content

export const FLOWS = ['login', 'registration', 'recovery', 'verification', 'settings'] as const
export type FlowKind = (typeof FLOWS)[number]

export type Message = { id: number; text: string; type: 'info' | 'error' | 'success' }

export type FlowNode = {
  type: 'input' | 'img' | 'text' | 'a' | 'script'
  group: string
  attributes: {
    name?: string
    type?: string
    value?: string
    required?: boolean
    disabled?: boolean
    autocomplete?: string
    maxlength?: number
    src?: string
    text?: Message
  }
  messages: Message[]
  meta: { label?: Message }
}

export type Flow = { id: string; ui: { nodes: FlowNode[]; messages?: Message[] } }

/** What a flow answers: the form to show, or where to go on (a fragment, or another site's address). */
export type Step = { flow: Flow } | { next: string }

type Answered = {
  ui?: Flow['ui']
  redirect_browser_to?: string
  continue_with?: { action: string; redirect_browser_to?: string; flow?: { id: string } }[]
  error?: { id?: string; reason?: string; message?: string; details?: { redirect_browser_to?: string } }
}

/** `query` may name a flow that has begun (`flow=`), or how to begin one (`aal=`, `refresh=`). */
export async function begin(kind: FlowKind, query: string): Promise<Step> {
  const wanted = new URLSearchParams(query)
  const id = wanted.get('flow')
  if (id) {
    const found = await ask(`/self-service/${kind}/flows?${new URLSearchParams({ id })}`)
    // Too old, or begun in another browser: a new one.
    if (found.ok || found.status >= 500) return stepOf(found)
    wanted.delete('flow')
  }
  const begun = await ask(`/self-service/${kind}/browser?${wanted}`)
  if (begun.status === 401) {
    // One's own account is nobody's yet: sign in, and back to it.
    const back = new URLSearchParams({ return_to: `${location.origin}${ROOT}sign-in/${kind}` })
    return { next: `#/sign-in/login?${back}` }
  }
  const { error } = await bodyOf(begun.clone())
  return error?.id === 'session_already_available' ? whereASessionLeads() : stepOf(begun)
}

/** `form` as the browser would send it. */
export async function submit(kind: FlowKind, flow: Flow, form: URLSearchParams): Promise<Step> {
  const query = new URLSearchParams({ flow: flow.id })
  const answer = await ask(`/self-service/${kind}?${query}`, { method: 'POST', body: form })
  // An hour has passed, or the cookie of the flow is gone.
  const ended = answer.status === 410 || (answer.status === 403 && (await bodyOf(answer.clone())).error?.id === 'security_csrf_violation')
  return ended ? begin(kind, '') : stepOf(answer)
}

export async function signOut(): Promise<void> {
  const answer = await ask('/self-service/logout/browser')
  if (answer.status === 401) return
  if (!answer.ok) throw await failure(answer)
  const { logout_token } = (await answer.json()) as { logout_token: string }
  await ask(`/self-service/logout?${new URLSearchParams({ token: logout_token })}`)
}

/** Signed in already: on, or to the second factor. */
async function whereASessionLeads(): Promise<Step> {
  const answer = await ask('/sessions/whoami')
  return answer.ok ? { next: '#/' } : stepOf(answer)
}

async function stepOf(answer: Response): Promise<Step> {
  const body = await bodyOf(answer)
  if (body.ui) return { flow: body as Flow }
  for (const { action, flow } of body.continue_with ?? []) {
    const [, kind] = /^show_([a-z]+)_ui$/.exec(action) ?? []
    if (kind && flow) return { next: `#/sign-in/${kind}?flow=${flow.id}` }
  }
  const redirect =
    body.redirect_browser_to ??
    body.error?.details?.redirect_browser_to ??
    body.continue_with?.find(each => each.redirect_browser_to)?.redirect_browser_to
  if (redirect) return { next: nextOf(redirect) }
  if (answer.ok) return { next: '#/' }
  throw await failure(answer, body)
}

/** Kratos names addresses of its own and of this page; both are views here. */
export function nextOf(address: string): string {
  const url = new URL(address, location.href)
  const [, kind] = /\/(?:self-service|sign-in)\/([a-z]+)(?:\/browser)?$/.exec(url.pathname) ?? []
  if (FLOWS.some(known => known === kind)) return `#/sign-in/${kind}${url.search}`
  if (url.origin === location.origin) return '#/'
  if (!/^https?:$/.test(url.protocol)) throw new ApiError(0, texts.access.signInNowhere)
  return url.href
}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  try {
    return await fetch(IDENTITY + path, {
      ...init,
      headers: { Accept: 'application/json' },
      credentials: 'include',
      cache: 'no-store',
      signal: AbortSignal.timeout(15_000),
    })
  } catch {
    throw new ApiError(0, texts.access.signInSilent)
  }
}

async function bodyOf(answer: Response): Promise<Answered> {
  return (await answer.json().catch(() => ({}))) as Answered
}

async function failure(answer: Response, body?: Answered): Promise<ApiError> {
  const { error } = body ?? (await bodyOf(answer))
  const reason = error?.reason ?? error?.message ?? answer.statusText
  return new ApiError(answer.status, reason || texts.access.signInAnswers(answer.status))
}
