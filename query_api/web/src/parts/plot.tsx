// Hashrate and rejected share over time on a canvas: crosshair, zoom by mouse and keys, gaps as gaps.

import { useEffect, useId, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { bothTimes, exactHashrate, percent, significant, unitFor } from '../format'
import { useTheme } from '../theme'
import type { Point } from '../types'

const HEIGHT = 260
const ZOOM_STEP = 0.5

/** null is time without data. */
export type Columns = {
  points: Point[]
  hashrates: (number | null)[]
  rejects: (number | null)[]
  /** Seconds a point stands for. */
  interval: number
  /** End of the last point, epoch seconds. */
  end: number
  /** Where the chart ends: later than `end` when the figures are behind the clock. */
  until: number
}

export function Plot({ columns, label }: { columns: Columns; label: string }) {
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const shown = useRef(columns)
  shown.current = columns
  const [zoomed, setZoomed] = useState(false)
  const hint = useId()
  const theme = useTheme()
  const { unit, divisor } = unitFor(Math.max(0, ...columns.hashrates.map(value => value ?? 0)))

  useEffect(() => {
    const element = host.current!
    const options: uPlot.Options = {
      ...plotOptions(() => shown.current, unit),
      width: element.clientWidth,
      hooks: { setScale: [(self, key) => key === 'x' && setZoomed(isZoomed(self))] },
    }
    plot.current = new uPlot(options, toData(shown.current, divisor), element)
    const resize = new ResizeObserver(() => {
      const width = element.clientWidth
      if (width !== plot.current?.width) plot.current?.setSize({ width, height: HEIGHT })
    })
    resize.observe(element)
    return () => {
      resize.disconnect()
      plot.current?.destroy()
      plot.current = null
    }
  }, [theme, unit])

  useEffect(() => {
    plot.current?.setData(toData(columns, divisor), !isZoomed(plot.current))
  }, [columns, divisor])

  const onKeyDown = (event: KeyboardEvent) => {
    if (plot.current && steer(plot.current, event.key, columns.interval)) event.preventDefault()
  }
  const reset = () => {
    steer(plot.current!, 'Escape', columns.interval)
    host.current!.focus()
  }
  return (
    <>
      <div
        ref={host}
        class="chart-space"
        role="group"
        tabIndex={0}
        aria-label={`${label}. ${summary(columns)}`}
        aria-describedby={hint}
        onKeyDown={onKeyDown}
      />
      <div class="chart-foot">
        <p class="hint" id={hint}>
          Drag to zoom, double-click to see all; or focus the chart and use ← →, + − and Escape. A gap is
          time without data.
        </p>
        <button type="button" disabled={!zoomed} onClick={reset}>Whole span</button>
      </div>
    </>
  )
}

function toData({ points, hashrates, rejects, end, until }: Columns, divisor: number): uPlot.AlignedData {
  const times = [...points.map(point => point.timestamp), end]
  const scaled = hashrates.map(value => (value === null ? null : value / divisor))
  const rates = [...scaled, scaled.at(-1) ?? null]
  const shares = [...rejects, rejects.at(-1) ?? null]
  return until > end ? [[...times, until], [...rates, null], [...shares, null]] : [times, rates, shares]
}

function isZoomed(plot: uPlot): boolean {
  const times = plot.data[0]
  const { min, max } = plot.scales.x!
  return min !== times[0] || max !== times.at(-1)
}

/** Moves the crosshair or the span that is seen; false for a key that means nothing here. */
function steer(plot: uPlot, key: string, interval: number): boolean {
  const times = plot.data[0]
  const [first, last] = [times[0]!, times.at(-1)!]
  const [min, max] = [plot.scales.x!.min!, plot.scales.x!.max!]
  const at = plot.cursor.idx ?? times.length - 1
  const show = (from: number, to: number) =>
    plot.setScale('x', { min: Math.max(first, from), max: Math.min(last, to) })
  switch (key) {
    case 'ArrowLeft':
    case 'ArrowRight': {
      const next = Math.min(times.length - 1, Math.max(0, at + (key === 'ArrowLeft' ? -1 : 1)))
      plot.setCursor({ left: plot.valToPos(times[next]!, 'x'), top: HEIGHT / 3 })
      return true
    }
    case '+':
    case '=': {
      const half = Math.max(2 * interval, (max - min) * ZOOM_STEP) / 2
      const middle = Math.min(last - half, Math.max(first + half, times[at]!))
      show(middle - half, middle + half)
      return true
    }
    case '-': {
      const half = (max - min) / ZOOM_STEP / 2
      show((min + max) / 2 - half, (min + max) / 2 + half)
      return true
    }
    case 'Escape':
      show(first, last)
      return true
    default:
      return false
  }
}

function summary({ hashrates }: Columns): string {
  const known = hashrates.filter(value => value !== null)
  if (known.length === 0) return 'No data.'
  const { unit, divisor } = unitFor(Math.max(...known))
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length
  return `Mean ${significant(mean / divisor)}, highest ${significant(Math.max(...known) / divisor)} ${unit}.`
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const DAY = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' })

function tick(seconds: number): string {
  const time = new Date(seconds * 1000)
  return time.getHours() + time.getMinutes() === 0 ? DAY.format(time) : CLOCK.format(time)
}

/** `columns` gives the exact figures under the crosshair; the chart's own are scaled floats. */
function plotOptions(columns: () => Columns, unit: string): Omit<uPlot.Options, 'width'> {
  const css = getComputedStyle(document.documentElement)
  const color = (name: string) => css.getPropertyValue(name).trim()
  const font = `12px ${css.getPropertyValue('--font').trim()}`
  const axis = { stroke: color('--muted'), font, grid: { stroke: color('--grid'), width: 1 } }
  const line = { paths: uPlot.paths.stepped!({ align: 1 }), points: { show: false } }
  const point = (i: number | null) => {
    const { points } = columns()
    return i === null ? undefined : points[Math.min(i, points.length - 1)]
  }
  const told = (value: number | null, i: number | null, known: (point: Point) => string) => {
    const found = point(i)
    if (!found) return '–'
    return value === null ? 'no data' : known(found)
  }
  return {
    height: HEIGHT,
    cursor: { drag: { x: true, y: false } },
    scales: {
      rate: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] },
      reject: { range: (_, __, max) => [0, Math.max(5, max * 1.1)] },
    },
    axes: [
      { ...axis, values: (_, ticks) => ticks.map(tick) },
      { ...axis, scale: 'rate', size: 62, values: (_, ticks) => ticks.map(significant) },
      { ...axis, scale: 'reject', side: 1, size: 46, grid: { show: false }, values: (_, ticks) => ticks.map(share => `${share}%`) },
    ],
    series: [
      {
        label: 'From',
        value: (_, __, ___, i) => {
          const found = point(i)
          return found ? bothTimes(new Date(found.timestamp * 1000).toISOString()) : '–'
        },
      },
      {
        ...line,
        label: `Hashrate, ${unit}`,
        scale: 'rate',
        stroke: color('--accent'),
        fill: color('--accent-fill'),
        width: 2,
        value: (_, value, __, i) =>
          told(value, i, ({ hashrate }) => `${significant(value)} (${exactHashrate(hashrate)})`),
      },
      {
        ...line,
        label: 'Rejected',
        scale: 'reject',
        stroke: color('--reject'),
        dash: [5, 4],
        width: 1.5,
        value: (_, value, __, i) =>
          told(value, i, ({ rejectrate }) => `${percent(value)} (${exactHashrate(rejectrate)})`),
      },
    ],
  }
}
