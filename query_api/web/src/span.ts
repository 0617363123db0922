// Which span of time the charts of a view show; it stands in the address.

import { setParams, useParam } from './route'
import { PERIODS } from './answers/figures'

export const SPANS = ['15m', '1h', '1d', '1w', 'month', 'quarter', 'range'] as const
export type SpanName = (typeof SPANS)[number]

const LONG_DAYS = { month: 30, quarter: 91 } as const
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

export const SECONDS_OF_INTERVAL: Record<string, number> = {
  PT1M: 60,
  PT5M: 300,
  PT15M: 900,
  PT1H: 3600,
  PT3H: 10_800,
  PT6H: 21_600,
  P1D: 86_400,
}

export type Span = {
  name: SpanName
  /** Of the API: `period=P1D`, or `from=…&to=…`. */
  query: string
  /** Of a range; epoch milliseconds. */
  from: number
  to: number
  choose: (name: SpanName) => void
  setRange: (from: number, to: number) => void
}

export function useSpan(): Span {
  const [chosen, choose] = useParam('period', '1d')
  const [from] = useParam('from', '')
  const [to] = useParam('to', '')
  const name = SPANS.find(each => each === chosen) ?? '1d'
  // To the hour, so that the question is the same for an hour.
  const now = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS
  const range = { from: Date.parse(from) || now - DAY_MS, to: Date.parse(to) || now }
  return {
    name,
    query: queryOf(name, range, now),
    ...range,
    choose,
    setRange: (first, last) => setParams({ from: minute(first), to: minute(last) }),
  }
}

function queryOf(name: SpanName, range: { from: number; to: number }, now: number): string {
  if (name === 'range') return `from=${minute(range.from)}&to=${minute(range.to)}`
  if (name === 'month' || name === 'quarter') return `from=${minute(now - LONG_DAYS[name] * DAY_MS)}`
  return `period=${PERIODS[name]}`
}

/** The span of the same length that ends where an answer begins. */
export function queryBefore(from: string, to: string): string {
  const [begin, end] = [Date.parse(from), Date.parse(to)]
  return `from=${minute(begin - Math.max(HOUR_MS, end - begin))}&to=${minute(begin)}`
}

function minute(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16)}:00Z`
}
