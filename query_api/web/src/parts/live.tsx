// Latest changes of status: what is stored, and what comes live.

import { useEvents } from '../hooks'
import type { Transition } from '../types'
import { merge, Transitions } from './transitions'

export const SHOWN_EVENTS = 15

type Props = {
  /** Address of the stream. */
  path: string
  stored: Transition[] | null
}

export function LiveTransitions({ path, stored }: Props) {
  const { events, live } = useEvents<Transition>(path, SHOWN_EVENTS)
  return (
    <section class="card" aria-label="Latest status transitions">
      <header>
        <h2>Latest status transitions</h2>
        <span class={live ? 'status stable' : 'muted'}>{live ? '● live' : '○ connecting…'}</span>
      </header>
      <Transitions
        transitions={merge(events, stored ?? [], SHOWN_EVENTS)}
        empty={stored ? 'No worker has changed its status yet.' : 'Loading…'}
      />
    </section>
  )
}
