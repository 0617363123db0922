// Addresses of the views live in the fragment, so that one page serves them all.

import { useEffect, useState } from 'preact/hooks'
import { keepWatcherToken } from './api'

export type Route =
  | { view: 'home' }
  | { view: 'pool' | 'miner' | 'worker'; id: string }

export function parseRoute(fragment: string): Route {
  const [, view, id] = /^#\/(pool|miner|worker)\/([0-9a-f-]{36})$/i.exec(fragment) ?? []
  return view && id ? ({ view, id } as Route) : { view: 'home' }
}

export const poolHref = (id: string) => `#/pool/${id}`
export const minerHref = (id: string) => `#/miner/${id}`
export const workerHref = (id: string) => `#/worker/${id}`

/** Takes a watcher token out of the address before anything can copy or log it. */
export function takeWatcherToken(): void {
  const [, token] = /^#watch=(hfwl_[0-9a-f]{64})$/i.exec(location.hash) ?? []
  if (!token) return
  keepWatcherToken(token)
  history.replaceState(null, '', location.pathname + location.search)
}

export function useRoute(): Route {
  const [route, setRoute] = useState(parseRoute(location.hash))
  useEffect(() => {
    const onChange = () => {
      takeWatcherToken()
      setRoute(parseRoute(location.hash))
      window.scrollTo(0, 0)
      // A new view is a new page: the keyboard goes on from its beginning.
      document.getElementById('main')?.focus({ preventScroll: true })
    }
    addEventListener('hashchange', onChange)
    return () => removeEventListener('hashchange', onChange)
  }, [])
  return route
}
