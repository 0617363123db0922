// Latest changes of status: what is stored, and what comes live.

import { useEvents } from '../../hooks'
import { texts } from '../../text'
import type { Transition } from '../../answers/figures'
import { merge, Transitions } from './transitions'

export const SHOWN_EVENTS = 15

type Props = {
  /** Address of the stream. */
  path: string
  stored: Transition[] | null
  /** What to say if nothing is stored. */
  empty?: string
}

export function LiveTransitions({ path, stored, empty = texts.workers.noTransition }: Props) {
  const { events, live } = useEvents<Transition>(path, SHOWN_EVENTS)
  return (
    <section class="card" aria-label={texts.workers.latest}>
      <header>
        <h2>{texts.workers.latest}</h2>
        <span class={live ? 'status stable' : 'muted'}>{live === null ? texts.workers.notLive : live ? texts.workers.live : texts.workers.connecting}</span>
      </header>
      <Transitions
        transitions={merge(events, stored ?? [], SHOWN_EVENTS)}
        empty={stored ? empty : texts.page.loading}
      />
    </section>
  )
}
