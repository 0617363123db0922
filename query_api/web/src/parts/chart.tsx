// A chart of hashrate and rejected share over time: crosshair, zoom by dragging, gaps as gaps.

import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { percent, rejectPercent, significant, unitFor } from '../format'
import { usePolled } from '../hooks'
import { useTheme } from '../theme'
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
import { Tabs } from './tabs'

const HEIGHT = 260

type Props = {
  title: string
  /** Address of the chart for an ISO period. */
  path: (period: string) => string
  /** Which series of a chart for several ids to draw. */
  id?: string
  /** A span in which nobody at all sent a share is an outage of the service, not a measurement. */
  zeroIsGap?: boolean
}

export function Chart({ title, path, id, zeroIsGap = false }: Props) {
  const [window, setWindow] = useState<WindowName>('1d')
  const { answer, error } = usePolled<ChartOfOne | ChartOfMany>(path(PERIODS[window]))
  const series = answer && seriesOf(answer.body, id)
  const columns = series && toColumns(series.points, window, answer.body, zeroIsGap)
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
      <p class="hint">Drag to zoom, double-click to see all. A gap is time without data.</p>
    </section>
  )
}

function seriesOf(body: ChartOfOne | ChartOfMany, id: string | undefined): Series | undefined {
  return id === undefined ? (body as ChartOfOne).data : (body as ChartOfMany).data[id]
}

type Columns = {
  times: number[]
  hashrates: (number | null)[]
  rejects: (number | null)[]
  until: number
}

/** Steps hold their value for an interval, so the end of the last one closes the line. */
function toColumns(
  points: Point[],
  window: WindowName,
  { to }: { to: string },
  zeroIsGap: boolean,
): Columns {
  const measured = points.map(point => !zeroIsGap || Number(point.hashrate) > 0)
  const hashrates = points.map((point, i) => (measured[i] ? Number(point.hashrate) : null))
  const rejects = points.map((point, i) => (measured[i] ? rejectPercent(point) : null))
  const end = Date.parse(to) / 1000
  const now = Date.now() / 1000
  return {
    times: [...points.map(point => point.timestamp), end],
    hashrates: [...hashrates, hashrates.at(-1) ?? null],
    rejects: [...rejects, rejects.at(-1) ?? null],
    // Two intervals behind the clock is more than the last interval filling up: show the gap.
    until: now - end > 2 * INTERVAL_SECONDS[window] ? now : end,
  }
}

function Plot({ columns, label }: { columns: Columns; label: string }) {
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const theme = useTheme()
  const { unit, divisor } = unitFor(Math.max(0, ...columns.hashrates.map(value => value ?? 0)))

  useEffect(() => {
    const element = host.current!
    const options = plotOptions(element.clientWidth, unit)
    plot.current = new uPlot(options, toData(columns, divisor), element)
    const resize = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
    )
    resize.observe(element)
    return () => {
      resize.disconnect()
      plot.current?.destroy()
      plot.current = null
    }
  }, [theme, unit])

  useEffect(() => {
    const zoomed = plot.current !== null && isZoomed(plot.current)
    plot.current?.setData(toData(columns, divisor), !zoomed)
  }, [columns.times.at(-1), columns.hashrates.join()])

  return <div ref={host} class="chart-space" role="img" aria-label={`${label}. ${summary(columns)}`} />
}

function toData({ times, hashrates, rejects, until }: Columns, divisor: number): uPlot.AlignedData {
  const scaled = hashrates.map(value => (value === null ? null : value / divisor))
  return until > times.at(-1)!
    ? [[...times, until], [...scaled, null], [...rejects, null]]
    : [times, scaled, rejects]
}

function isZoomed(plot: uPlot): boolean {
  const times = plot.data[0]
  const { min, max } = plot.scales.x!
  return min !== times[0] || max !== times.at(-1)
}

function summary({ hashrates }: Columns): string {
  const known = hashrates.filter(value => value !== null)
  if (known.length === 0) return 'No data.'
  const { unit, divisor } = unitFor(Math.max(...known))
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length
  return `Mean ${significant(mean / divisor)}, highest ${significant(Math.max(...known) / divisor)} ${unit}.`
}

function plotOptions(width: number, unit: string): uPlot.Options {
  const css = getComputedStyle(document.documentElement)
  const color = (name: string) => css.getPropertyValue(name).trim()
  const axis = { stroke: color('--muted'), grid: { stroke: color('--grid'), width: 1 } }
  const stepped = uPlot.paths.stepped!({ align: 1 })
  return {
    width,
    height: HEIGHT,
    cursor: { drag: { x: true, y: false } },
    scales: {
      rate: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] },
      reject: { range: (_, __, max) => [0, Math.max(5, max * 1.1)] },
    },
    axes: [
      axis,
      { ...axis, scale: 'rate', size: 62, values: (_, ticks) => ticks.map(significant) },
      { scale: 'reject', side: 1, size: 46, stroke: color('--muted'), grid: { show: false }, values: (_, ticks) => ticks.map(tick => `${tick}%`) },
    ],
    series: [
      {},
      {
        label: `Hashrate, ${unit}`,
        scale: 'rate',
        stroke: color('--accent'),
        fill: color('--accent-fill'),
        width: 2,
        paths: stepped,
        points: { show: false },
        value: (_, value) => (value === null ? 'no data' : significant(value)),
      },
      {
        label: 'Rejected',
        scale: 'reject',
        stroke: color('--reject'),
        dash: [5, 4],
        width: 1.5,
        paths: stepped,
        points: { show: false },
        value: (_, value) => (value === null ? 'no data' : percent(value)),
      },
    ],
  }
}
