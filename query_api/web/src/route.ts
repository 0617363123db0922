// Addresses of the views live in the fragment, so that one page serves them all. What a view shows of
// its lists and charts stands behind a "?" there: it survives a reload and can be sent to somebody.

import { useCallback, useEffect, useState } from 'preact/hooks'
import { ROOT } from './service/api'
import { keep } from './service/credentials'
import { type FlowKind, FLOWS } from './service/identity'

export type Entity = 'pool' | 'operator' | 'miner' | 'worker'
export type Route =
  | { view: 'home' | 'invitation' }
  | { view: 'sign-in'; id: FlowKind }
  | { view: 'public-pool' | 'public-miner'; id: string }
  | { view: Entity | 'money' | 'payouts' | 'sharing' | 'statement'; id: string }

const VIEWS: Record<string, string> = {
  'miner/money': 'money',
  'miner/statement': 'statement',
  'miner/sharing': 'sharing',
  'pool/payouts': 'payouts',
}

export function parseRoute(fragment: string): Route {
  const [, entity, id, section] =
    /^#\/(pool|operator|miner|worker)\/([0-9a-f-]{36})(?:\/([a-z]+))?(?:\?|$)/i.exec(fragment) ?? []
  const [, flow] = /^#\/sign-in\/([a-z]+)(?:\?|$)/.exec(fragment) ?? []
  const kind = FLOWS.find(each => each === flow)
  if (kind) return { view: 'sign-in', id: kind }
  if (pathOf(fragment) === '#/invitation') return { view: 'invitation' }
  const [, open, name] = /^#\/public\/(pool|miner)\/([^/?]+)(?:\?|$)/.exec(fragment) ?? []
  if (open && name) return { view: `public-${open as 'pool' | 'miner'}`, id: decoded(name) }
  const view = section ? VIEWS[`${entity}/${section}`] : entity
  return view && id ? ({ view, id } as Route) : { view: 'home' }
}

/** A name of an address; what is no valid encoding stands for itself. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

export const publicPoolHref = (id: string) => `#/public/pool/${id}`
export const publicMinerHref = (name: string) => `#/public/miner/${encodeURIComponent(name)}`
export const poolHref = (id: string) => `#/pool/${id}`
export const operatorHref = (id: string) => `#/operator/${id}`
export const minerHref = (id: string) => `#/miner/${id}`
export const workerHref = (id: string) => `#/worker/${id}`
export const moneyHref = (id: string) => `#/miner/${id}/money`
export const statementHref = (id: string) => `#/miner/${id}/statement`
export const sharingHref = (id: string) => `#/miner/${id}/sharing`
export const payoutsHref = (id: string) => `#/pool/${id}/payouts`

/** The address of this view with `name` set to `value`, for a link. */
export function hrefWith(name: string, value: string): string {
  const next = parameters(location.hash)
  next.set(name, value)
  return `${pathOf(location.hash)}?${next}`
}

/** Kratos leads to pages beside the start page (`/sign-in/login?flow=...`): they are views like the others. */
export function takeFlowAddress(): void {
  if (location.pathname === ROOT) return
  history.replaceState(null, '', `${ROOT}#/${location.pathname.slice(ROOT.length)}${location.search}`)
}

/** Takes a watcher token out of the address before anything can copy or log it. It reads one miner and
 * was made to be handed around, so this device may keep it for the next tab. */
export function takeWatcherToken(): boolean {
  const [, token] = /^#watch=(hfwl_[0-9a-f]{64})$/i.exec(location.hash) ?? []
  if (!token) return false
  keep({ kind: 'watcher', value: token }, true)
  history.replaceState(null, '', location.pathname + location.search)
  return true
}

export function useRoute(): Route {
  const [first] = useState(location.hash)
  const [route, setRoute] = useState(parseRoute(first))
  useEffect(() => {
    let path = pathOf(first)
    const onChange = () => {
      const taken = takeWatcherToken()
      dispatchEvent(new Event(CHANGED))
      if (pathOf(location.hash) === path && !taken) return
      path = pathOf(location.hash)
      setRoute(parseRoute(location.hash))
      // A new view is a new page: the keyboard goes on from its beginning.
      document.getElementById('main')?.focus({ preventScroll: true })
      restoreScroll()
    }
    addEventListener('hashchange', onChange)
    // Somebody may have gone on before there was a listener.
    if (location.hash !== first) onChange()
    // A reload is a way back, too.
    restoreScroll()
    return () => {
      removeEventListener('hashchange', onChange)
      removeEventListener('scroll', rememberScroll)
    }
  }, [])
  return route
}

/** A value of the view that stands in the address under `name`; the default does not. */
export function useParam(name: string, fallback: string): [string, (value: string) => void] {
  const read = () => parameters(location.hash).get(name) ?? fallback
  const [value, setValue] = useState(read)
  useEffect(() => {
    const onChange = () => setValue(read())
    addEventListener(CHANGED, onChange)
    return () => removeEventListener(CHANGED, onChange)
  }, [name, fallback])
  const set = useCallback(
    (next: string) => setParams({ [name]: next === fallback ? null : next }),
    [name, fallback],
  )
  return [value, set]
}

/** Several at once, without a new entry in the history; null removes one. */
export function setParams(changes: Record<string, string | null>): void {
  const next = parameters(location.hash)
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) next.delete(name)
    else next.set(name, value)
  }
  const query = next.toString()
  const path = pathOf(location.hash) || '#/'
  history.replaceState(history.state, '', query ? `${path}?${query}` : path)
  dispatchEvent(new Event(CHANGED))
}

const CHANGED = 'hashgauge-address'
const SCROLL = 'scroll'

const pathOf = (fragment: string) => fragment.split('?')[0] ?? ''
const parameters = (fragment: string) => new URLSearchParams(fragment.split('?')[1] ?? '')

// Each entry of the history keeps how far it was scrolled.
function rememberScroll(): void {
  history.replaceState({ ...history.state, [SCROLL]: window.scrollY }, '')
}

const BY_HAND = ['wheel', 'touchstart', 'pointerdown', 'keydown'] as const
const RESTORE_MS = 20_000
// What is above may still grow, and the browser would move the page along with it.
const AT_REST_MS = 500

/** Back where the entry was left, once its lists have made the page long enough; on a slow line that
 * takes a while. Whoever scrolls meanwhile is let go. */
function restoreScroll(): void {
  const wanted = Number((history.state as Record<string, unknown> | null)?.[SCROLL] ?? 0)
  removeEventListener('scroll', rememberScroll)
  let until = Date.now() + RESTORE_MS
  const letGo = () => {
    until = 0
  }
  for (const name of BY_HAND) addEventListener(name, letGo, { passive: true })
  let [height, changed] = [0, Date.now()]
  const step = () => {
    const now = Date.now()
    if (document.documentElement.scrollHeight !== height) [height, changed] = [document.documentElement.scrollHeight, now]
    if (now < until) window.scrollTo(0, wanted)
    const atRest = Math.abs(window.scrollY - wanted) <= 1 && (wanted === 0 || now - changed > AT_REST_MS)
    if (!atRest && now < until) requestAnimationFrame(step)
    else {
      for (const name of BY_HAND) removeEventListener(name, letGo)
      addEventListener('scroll', rememberScroll, { passive: true })
    }
  }
  requestAnimationFrame(step)
}
