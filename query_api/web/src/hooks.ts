// Data that stays fresh while somebody looks at it.

import { useEffect, useRef, useState } from 'preact/hooks'
import { type Answer, ApiError, get } from './service/api'
import { follow, type ServerEvent } from './service/events'

const MIN_POLL_S = 5
const DEFAULT_POLL_S = 15
const MAX_RETRY_S = 30

export type Polled<T> = { answer: Answer<T> | null; error: ApiError | null }

/**
 * Asks `path` and again when the answer's max-age says that new figures are due. Rests while the tab
 * is hidden; backs off while the service is away and keeps the last answer. A refusal (no right, not
 * there) is final. `null` asks nothing. Another `version` asks again at once: something was changed.
 */
export function usePolled<T>(path: string | null, version = 0): Polled<T> {
  const [state, setState] = useState<Polled<T> & { path: string | null }>({
    path,
    answer: null,
    error: null,
  })
  useEffect(() => {
    if (path === null) return
    const poll = new Poll<T>(path, (answer, error) =>
      setState(old => ({ path, answer: answer ?? (old.path === path ? old.answer : null), error })),
    )
    return () => poll.stop()
  }, [path, version])
  return state.path === path ? state : { answer: null, error: null }
}

class Poll<T> {
  private timer = 0
  private failures = 0
  private due = true
  private asking = false
  private readonly abort = new AbortController()
  private readonly onVisible = () => {
    if (!document.hidden && this.due && !this.asking) void this.ask()
  }
  private readonly onOnline = () => {
    if (this.failures === 0 || this.asking) return
    clearTimeout(this.timer)
    void this.ask()
  }

  constructor(
    private readonly path: string,
    private readonly tell: (answer: Answer<T> | null, error: ApiError | null) => void,
  ) {
    document.addEventListener('visibilitychange', this.onVisible)
    addEventListener('online', this.onOnline)
    void this.ask()
  }

  stop(): void {
    this.abort.abort()
    clearTimeout(this.timer)
    document.removeEventListener('visibilitychange', this.onVisible)
    removeEventListener('online', this.onOnline)
  }

  private async ask(): Promise<void> {
    this.due = false
    this.asking = true
    try {
      const answer = await get<T>(this.path, this.abort.signal)
      this.failures = 0
      this.tell(answer, null)
      this.wait(Math.max(MIN_POLL_S, answer.maxAge || DEFAULT_POLL_S))
    } catch (error) {
      if (this.abort.signal.aborted) return
      const known = error instanceof ApiError ? error : new ApiError(0, String(error))
      this.tell(null, known)
      if (!known.passing) return
      this.failures += 1
      this.wait(Math.min(MAX_RETRY_S, 2 ** this.failures))
    } finally {
      this.asking = false
    }
  }

  private wait(seconds: number): void {
    this.timer = window.setTimeout(() => {
      this.due = true
      if (!document.hidden) void this.ask()
    }, seconds * 1000)
  }
}

/**
 * The newest `limit` events of a stream, newest first, and whether it flows; silent while the tab is
 * hidden.
 */
export function useEvents<T>(path: string, limit: number): { events: T[]; live: boolean | null } {
  const [events, setEvents] = useState<T[]>([])
  const [live, setLive] = useState<boolean | null>(false)
  useEffect(() => {
    let abort = new AbortController()
    const start = () => {
      abort = new AbortController()
      const onEvent = ({ data }: ServerEvent) =>
        setEvents(old => [JSON.parse(data) as T, ...old].slice(0, limit))
      void follow(path, { onEvent, onLive: setLive }, abort.signal)
    }
    const onVisibility = () => (document.hidden ? abort.abort() : start())
    if (!document.hidden) start()
    document.addEventListener('visibilitychange', onVisibility)
    return () => {
      abort.abort()
      document.removeEventListener('visibilitychange', onVisibility)
    }
  }, [path, limit])
  return { events, live }
}

/** A value that follows `value` once it has been still for `ms`. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return settled
}

/** The last answer that was not null: keeps a table on the screen while the next page loads. */
export function useLast<T>(value: T | null): T | null {
  const last = useRef<T | null>(null)
  if (value !== null) last.current = value
  return last.current
}

export type Action = {
  busy: boolean
  /** Why the last attempt failed. */
  trouble: string | null
  /** How often one succeeded: a version for `usePolled`. */
  done: number
  run: (work: () => Promise<unknown>) => void
  /** The trouble is over: somebody types anew. */
  forget: () => void
}

/** Changes that a person asks for, one at a time. */
export function useAction(trouble: string | null = null): Action {
  const [state, setState] = useState({ busy: false, trouble, done: 0 })
  const run = (work: () => Promise<unknown>) => {
    setState(old => ({ ...old, busy: true, trouble: null }))
    work().then(
      () => setState(old => ({ busy: false, trouble: null, done: old.done + 1 })),
      (error: unknown) =>
        setState(old => ({ ...old, busy: false, trouble: error instanceof Error ? error.message : String(error) })),
    )
  }
  return { ...state, run, forget: () => setState(old => ({ ...old, trouble: null })) }
}
