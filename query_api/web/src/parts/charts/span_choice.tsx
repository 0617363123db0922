// The choice of a span: a period, or two times.

import { SPANS, type Span } from '../../span'
import { texts } from '../../text'
import { zone } from '../../zone'
import { Tabs } from '../tabs'

export function SpanChoice({ span }: { span: Span }) {
  return <Tabs label={texts.figures.period} options={SPANS} names={texts.spans} value={span.name} onChange={span.choose} />
}

/** Two times, while a range is chosen. */
export function RangeFields({ span }: { span: Span }) {
  if (span.name !== 'range') return null
  const set = (from: number, to: number) => from < to && span.setRange(from, to)
  return (
    <p class="filters">
      <label>{texts.figures.from}{' '}
        <input type="datetime-local" value={local(span.from)} onChange={event => set(timeOf(event.currentTarget.value), span.to)} />
      </label>
      <label>{texts.figures.to}{' '}
        <input type="datetime-local" value={local(span.to)} onChange={event => set(span.from, timeOf(event.currentTarget.value))} />
      </label>
    </p>
  )
}

/** As the field has it: without a zone. */
function local(ms: number): string {
  const offset = zone === 'utc' ? 0 : new Date(ms).getTimezoneOffset() * 60_000
  return new Date(ms - offset).toISOString().slice(0, 16)
}

function timeOf(field: string): number {
  return Date.parse(zone === 'utc' ? `${field}Z` : field)
}
