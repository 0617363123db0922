// One clock for all "3 min ago" on the page: a single timer that rests while the tab is hidden.

import { useEffect, useState } from 'preact/hooks'

const TICK_MS = 10_000

const listeners = new Set<() => void>()
let timer = 0

function tick(): void {
  for (const listener of listeners) listener()
}

function wind(): void {
  const wanted = listeners.size > 0 && !document.hidden
  if (wanted && !timer) timer = window.setInterval(tick, TICK_MS)
  if (!wanted && timer) {
    clearInterval(timer)
    timer = 0
  }
}

document.addEventListener('visibilitychange', () => {
  wind()
  if (!document.hidden) tick()
})

/** The wall clock in milliseconds; for leaves of the page, so that a tick draws little anew. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const onTick = () => setNow(Date.now())
    listeners.add(onTick)
    wind()
    return () => {
      listeners.delete(onTick)
      wind()
    }
  }, [])
  return now
}
