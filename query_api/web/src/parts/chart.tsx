// A card with the chart of one thing: which period, loading, what the figures mean.

import { useMemo, useState } from 'preact/hooks'
import { rejectPercent } from '../format'
import { usePolled } from '../hooks'
import {
  type ChartOfMany,
  type ChartOfOne,
  INTERVAL_SECONDS,
  PERIODS,
  type Point,
  type Series,
  WINDOWS,
  type WindowName,
} from '../types'
import { type Columns, Plot } from './plot'
import { Tabs } from './tabs'

// Enough steps to read a course from; fewer would fill the chart with next to nothing.
const FEWEST_POINTS = 8

type Body = ChartOfOne | ChartOfMany
type Props = {
  title: string
  /** Address of the chart for an ISO period. */
  path: (period: string) => string
  /** Which series of a chart for several ids to draw. */
  id?: string
  /** When the thing began to mine: there is nothing to draw before it. */
  since?: string | undefined
  /** A span in which nobody at all sent a share is an outage of the service, not a measurement. */
  zeroIsGap?: boolean
}

export function Chart({ title, path, id, since, zeroIsGap = false }: Props) {
  const [window, setWindow] = useState<WindowName>('1d')
  const { answer, error } = usePolled<Body>(path(PERIODS[window]))
  const columns = useMemo(
    () => answer && toColumns(answer.body, { window, id, since, zeroIsGap }),
    [answer, window, id, since, zeroIsGap],
  )
  return (
    <section class="card" aria-label={title}>
      <header>
        <h2>{title}</h2>
        <Tabs label="Period" options={WINDOWS} value={window} onChange={setWindow} />
      </header>
      {columns ? (
        <Plot key={window} columns={columns} label={`${title}, ${window}`} />
      ) : (
        <p class="empty chart-space">{error ? error.message : 'Loading…'}</p>
      )}
    </section>
  )
}

type Options = {
  window: WindowName
  id: string | undefined
  since: string | undefined
  zeroIsGap: boolean
}

/** Steps hold their value for an interval, so the end of the last one closes the line. */
function toColumns(body: Body, { window, id, since, zeroIsGap }: Options): Columns | null {
  const all = seriesOf(body, id)?.points
  if (!all) return null
  const interval = INTERVAL_SECONDS[window]
  const born = since ? Date.parse(since) / 1000 : -Infinity
  const mined = (point: Point) => point.timestamp + interval > born
  const points = all.slice(Math.min(all.findIndex(mined), all.length - FEWEST_POINTS))
  const known = points.map(point => mined(point) && !(zeroIsGap && Number(point.hashrate) === 0))
  const end = Date.parse(body.to) / 1000
  const now = Date.now() / 1000
  return {
    points,
    interval,
    end,
    hashrates: points.map((point, i) => (known[i] ? Number(point.hashrate) : null)),
    rejects: points.map((point, i) => (known[i] ? rejectPercent(point) : null)),
    // Two intervals behind the clock is more than the last interval filling up: show the gap.
    until: now - end > 2 * interval ? now : end,
  }
}

function seriesOf(body: Body, id: string | undefined): Series | undefined {
  return id === undefined ? (body as ChartOfOne).data : (body as ChartOfMany).data[id]
}
