// Rejected work by reason over time.

import { useMemo } from 'preact/hooks'
import { usePolled } from '../../hooks'
import { SECONDS_OF_INTERVAL, useSpan } from '../../span'
import { textOf, texts } from '../../text'
import type { RejectChart, RejectCharts, RejectSeries } from '../../answers/figures'
import { Lines } from './lines'
import { Waiting } from '../refusal'
import { Save } from './save'

type Props = {
  /** Address of the chart for a span: `/pools/…/rejects/charts?period=…`. */
  path: (query: string) => string
  /** Which series of a chart for several ids to draw. */
  id?: string
}

/** Over the span that is chosen above it. */
export function RejectCourse({ path, id }: Props) {
  const span = useSpan()
  const { answer, error } = usePolled<RejectChart | RejectCharts>(path(span.query))
  const drawn = useMemo(() => answer && columnsOf(answer.body, id), [answer, id])
  return (
    <section class="card" aria-label={texts.figures.rejectCourse}>
      <h2>{texts.figures.rejectsOver(texts.spans[span.name])}</h2>
      {!drawn && <div class="chart-space"><Waiting error={error} /></div>}
      {drawn?.lines.length === 0 && <p class="empty">{texts.figures.noRejects}</p>}
      {drawn && drawn.lines.length > 0 && <Lines label={texts.figures.rejectedWork} {...drawn} />}
      {drawn && drawn.lines.length > 0 && <Save path={path(span.query)} name={`rejects-${span.name}`} />}
    </section>
  )
}

function columnsOf(body: RejectChart | RejectCharts, id: string | undefined) {
  const series = id === undefined ? (body.data as RejectSeries) : (body.data as Record<string, RejectSeries>)[id]
  const points = series?.points ?? []
  const times = points.map(point => point.timestamp)
  const reasons = Object.keys(points[0] ?? {}).filter(name => name !== 'timestamp')
  const lines = reasons.map(name => ({
    name: textOf(texts.figures.reasons, name),
    values: points.map(point => Number(point[name as keyof typeof point])),
  }))
  return {
    times: [...times, (times.at(-1) ?? 0) + (SECONDS_OF_INTERVAL[body.interval] ?? 0)],
    lines: lines.filter(({ values }) => values.some(value => value > 0)),
  }
}
