// The statuses of a worker over the last week as a band, and how much of each day it was stable.

import { bothTimes, percent, utcDay, weekday } from '../../format'
import { texts } from '../../text'
import type { Availability, Status, Transition } from '../../answers/figures'

const DAYS = 7
const DAY_MS = 86_400_000
const WIDTH = 1000
const HEIGHT = 40

/** First and last day of the band as UTC dates; the last one is today. */
export function lastDays(now: number): { first: string; last: string } {
  const date = (ms: number) => new Date(ms).toISOString().slice(0, 10)
  return { first: date(now - (DAYS - 1) * DAY_MS), last: date(now) }
}

type Span = { status: Status; from: number; to: number }
type Props = {
  /** Newest first, since the first day. */
  transitions: Transition[]
  /** Whether `transitions` are all there were since the first day. */
  complete: boolean
  status: Status
  since: string
  availability: Availability | null
}

export function Timeline({ transitions, complete, status, since, availability }: Props) {
  const now = Date.now()
  const start = Date.parse(lastDays(now).first)
  const born = complete ? Math.max(start, Date.parse(since)) : Infinity
  const spans = toSpans(transitions, { status, born, now })
  const x = (ms: number) => ((ms - start) / (DAYS * DAY_MS)) * WIDTH
  return (
    <section class="card" aria-label={texts.workers.timeline}>
      <h2>{texts.workers.timelineTitle(DAYS)}</h2>
      <svg
        class="timeline"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={texts.workers.timelineSummary(texts.workers.statuses[status], transitions.length, DAYS)}
      >
        {spans.map(span => (
          <rect
            key={span.from}
            class={span.status}
            x={x(span.from)}
            y={TOP[span.status]}
            width={Math.max(1, x(span.to) - x(span.from))}
            height={HEIGHT - TOP[span.status]}
          >
            <title>{texts.workers.spanOf(texts.workers.statuses[span.status], at(span.from), at(span.to))}</title>
          </rect>
        ))}
        {Array.from({ length: DAYS - 1 }, (_, day) => x(start + (day + 1) * DAY_MS)).map(midnight => (
          <line key={midnight} x1={midnight} x2={midnight} y1={0} y2={HEIGHT} />
        ))}
      </svg>
      <ul class="days">
        {availability?.data.map(day => (
          <li key={day.date} title={utcDay(day.date)}>
            <span class="muted">{weekday(day.date)}</span>
            <span class="number">{day.availability === null ? '–' : percent(100 * day.availability)}</span>
          </li>
        ))}
      </ul>
      <p class="hint">
        {texts.workers.timelineHint}
      </p>
    </section>
  )
}

// The band is also lower the worse the status is, so that it reads without colours.
const TOP: Record<Status, number> = { stable: 0, unavailable: 14, off: 26, removed: 33 }

/** From `born` on; before the oldest transition the worker was in the status which that one left. */
function toSpans(
  transitions: Transition[],
  { status, born, now }: { status: Status; born: number; now: number },
): Span[] {
  const spans: Span[] = []
  let to = now
  let current: Status | null = status
  for (const { at, from } of transitions) {
    const began = Date.parse(at)
    if (current) spans.push({ status: current, from: began, to })
    to = began
    current = from ?? null
  }
  if (current && born < to) spans.push({ status: current, from: born, to })
  return spans.reverse()
}

function at(ms: number): string {
  return bothTimes(new Date(ms).toISOString())
}
