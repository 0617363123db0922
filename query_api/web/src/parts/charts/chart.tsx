// A card with the chart of one thing: which span, loading, what the figures mean.

import { useMemo } from 'preact/hooks'
import { rejectPercent } from '../../format'
import { usePolled } from '../../hooks'
import { useParam } from '../../route'
import { queryBefore, SECONDS_OF_INTERVAL, useSpan } from '../../span'
import { texts } from '../../text'
import type { ChartOfMany, ChartOfOne, Point, Series } from '../../answers/figures'
import { type Columns, Plot } from './plot'
import { Waiting } from '../refusal'
import { Save } from './save'
import { RangeFields, SpanChoice } from './span_choice'

// Enough steps to read a course from; fewer would fill the chart with next to nothing.
const FEWEST_POINTS = 8

type Body = ChartOfOne | ChartOfMany
type Props = {
  title: string
  /** Address of the chart for a span: `…/charts?period=P1D`. */
  path: (query: string) => string
  /** Which series of a chart for several ids to draw. */
  id?: string
  /** When the thing began to mine: there is nothing to draw before it. */
  since?: string | undefined
  /** A span in which nobody at all sent a share is an outage of the service, not a measurement. */
  zeroIsGap?: boolean
}

export function Chart({ title, path, id, since, zeroIsGap = false }: Props) {
  const span = useSpan()
  const [before, setBefore] = useParam('before', '')
  const shown = path(`${span.query}&running=true`)
  const { answer, error } = usePolled<Body>(shown)
  const body = answer?.body
  const earlier = usePolled<Body>(before && body ? path(queryBefore(body.from, body.to)) : null)
  const reachesNow = span.name !== 'range'
  const columns = useMemo(
    () => body && toColumns(body, { id, since, zeroIsGap, reachesNow, earlier: earlier.answer?.body ?? null }),
    [body, id, since, zeroIsGap, reachesNow, earlier.answer],
  )
  return (
    <section class="card" aria-label={title}>
      <header>
        <h2>{title}</h2>
        <span class="filters">
          <SpanChoice span={span} />
          <button type="button" aria-pressed={before !== ''} class="toggle" onClick={() => setBefore(before ? '' : '1')}>
            {texts.figures.before}
          </button>
        </span>
      </header>
      <RangeFields span={span} />
      {columns ? (
        <Plot key={`${span.name} ${before}`} columns={columns} label={`${title}, ${texts.spans[span.name]}`} />
      ) : (
        <div class="chart-space"><Waiting error={error} /></div>
      )}
      {columns && <Save path={shown} name={`hashrate-${span.name}`} />}
    </section>
  )
}

type Options = {
  id: string | undefined
  since: string | undefined
  zeroIsGap: boolean
  /** A chart that ends earlier is not behind the clock. */
  reachesNow: boolean
  earlier: Body | null
}

/** Steps hold their value for an interval, so the end of the last one closes the line. */
function toColumns(body: Body, { id, since, zeroIsGap, reachesNow, earlier }: Options): Columns | null {
  const series = seriesOf(body, id)
  if (!series) return null
  // The interval that is not over is a step of its own, drawn lighter: what began or fell a minute
  // ago is seen at once.
  const { running } = series
  const all = running ? [...series.points, running] : series.points
  const interval = SECONDS_OF_INTERVAL[body.interval]!
  const born = since ? Date.parse(since) / 1000 : -Infinity
  const mined = (point: Point) => point.timestamp + interval > born
  const points = all.slice(Math.min(all.findIndex(mined), series.points.length - FEWEST_POINTS))
  const known = points.map(point => mined(point) && !(zeroIsGap && Number(point.hashrate) === 0))
  const end = Date.parse(running?.to ?? body.to) / 1000
  const now = Date.now() / 1000
  return {
    points,
    interval,
    end,
    running: running?.timestamp ?? null,
    hashrates: points.map((point, i) => (known[i] ? Number(point.hashrate) : null)),
    rejects: points.map((point, i) => (known[i] ? rejectPercent(point) : null)),
    before: earlier && shifted(points, interval, body, { earlier, id }),
    // Two intervals behind the clock is more than the last interval filling up: show the gap.
    until: reachesNow && now - end > 2 * interval ? now : end,
  }
}

/** The earlier span under the points of this one: each the mean of what lies in its interval then. */
function shifted(
  points: Point[],
  interval: number,
  body: Body,
  { earlier, id }: { earlier: Body; id: string | undefined },
): (number | null)[] {
  const shift = (Date.parse(body.to) - Date.parse(body.from)) / 1000
  const width = SECONDS_OF_INTERVAL[earlier.interval]!
  const then = seriesOf(earlier, id)?.points ?? []
  const first = then[0]?.timestamp ?? 0
  return points.map(({ timestamp }) => {
    const from = Math.floor((timestamp - shift - first) / width)
    const inside = then.slice(Math.max(0, from), Math.max(0, from) + Math.max(1, interval / width))
    if (from < 0 || inside.length === 0) return null
    return inside.reduce((sum, point) => sum + Number(point.hashrate), 0) / inside.length
  })
}

function seriesOf(body: Body, id: string | undefined): Series | undefined {
  return id === undefined ? (body as ChartOfOne).data : (body as ChartOfMany).data[id]
}
