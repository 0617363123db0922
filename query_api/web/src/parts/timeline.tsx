// The statuses of a worker over the last week as a band, and how much of each day it was stable.

import { localTime, percent } from '../format'
import type { Status, Transition } from '../types'

const DAYS = 7
const DAY_MS = 86_400_000

type Span = { status: Status; from: number; to: number }
type Props = { transitions: Transition[]; status: Status; since: string | null; now: number }

export function Timeline({ transitions, status, since, now }: Props) {
  const start = now - DAYS * DAY_MS
  const spans = toSpans(transitions, status, since ? Date.parse(since) : start, now).filter(({ to }) => to > start)
  return (
    <section class="card" aria-label="Status timeline">
      <h2>Status, last {DAYS} days</h2>
      <svg class="timeline" viewBox="0 0 1000 40" preserveAspectRatio="none" role="img" aria-label={spoken(spans, start, now)}>
        {spans.map(span => {
          const x = ((Math.max(span.from, start) - start) / (now - start)) * 1000
          const width = ((span.to - Math.max(span.from, start)) / (now - start)) * 1000
          return (
            <rect key={span.from} class={span.status} x={x} y={TOP[span.status]} width={Math.max(1, width)} height={40 - TOP[span.status]}>
              <title>{`${span.status}: ${localTime(new Date(span.from).toISOString())} – ${localTime(new Date(span.to).toISOString())}`}</title>
            </rect>
          )
        })}
      </svg>
      <ul class="days">
        {days(now).map(day => (
          <li key={day.from}>
            <span class="muted">{new Date(day.from).toLocaleDateString(undefined, { weekday: 'short' })}</span>
            <span class="number">{availability(spans, day.from, day.to)}</span>
          </li>
        ))}
      </ul>
      <p class="hint">Availability: share of the UTC day in which the worker was stable.</p>
    </section>
  )
}

// The band is also lower the worse the status is, so that it reads without colours.
const TOP: Record<Status, number> = { stable: 0, unavailable: 14, off: 26, removed: 33 }

function toSpans(transitions: Transition[], status: Status, born: number, now: number): Span[] {
  const spans: Span[] = []
  let to = now
  let current = status
  for (const transition of transitions) {
    const at = Date.parse(transition.at)
    spans.push({ status: transition.to ?? current, from: at, to })
    to = at
    if (!transition.from) return spans.reverse()
    current = transition.from
  }
  if (born < to) spans.push({ status: current, from: born, to })
  return spans.reverse()
}

function days(now: number): { from: number; to: number }[] {
  const today = now - (now % DAY_MS)
  return Array.from({ length: DAYS }, (_, i) => today - (DAYS - 1 - i) * DAY_MS).map(from => ({
    from,
    to: Math.min(from + DAY_MS, now),
  }))
}

function availability(spans: Span[], from: number, to: number): string {
  const overlap = (span: Span) => Math.max(0, Math.min(span.to, to) - Math.max(span.from, from))
  const known = spans.reduce((sum, span) => sum + overlap(span), 0)
  if (known === 0) return '–'
  const stable = spans.filter(span => span.status === 'stable').reduce((sum, span) => sum + overlap(span), 0)
  return percent((100 * stable) / (to - from))
}

function spoken(spans: Span[], start: number, now: number): string {
  const stable = spans
    .filter(span => span.status === 'stable')
    .reduce((sum, span) => sum + span.to - Math.max(span.from, start), 0)
  return `Stable ${percent((100 * stable) / (now - start))} of the last ${DAYS} days.`
}
