// Hashrate and rejected share over time on a canvas: crosshair, zoom by mouse and keys, gaps as gaps.

import { useEffect, useId, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { exactHashrate, moment, percent, significant, tick, unitFor } from '../../format'
import { texts } from '../../text'
import { fixed } from '../../text/numbers'
import { useTheme } from '../../theme'
import type { Point } from '../../answers/figures'
import { timeZone } from '../../zone'

const HEIGHT = 260
const ZOOM_STEP = 0.5
const FONT_PX = 12
// uPlot's tick and the gap after it.
const TICK_PX = 15
const WIDE = matchMedia('(min-width: 600px)')

/** null is time without data. */
export type Columns = {
  points: Point[]
  hashrates: (number | null)[]
  rejects: (number | null)[]
  /** The span before, under the same points; null without one. */
  before: (number | null)[] | null
  /** Seconds a point stands for. */
  interval: number
  /** End of the last point, epoch seconds. */
  end: number
  /** Where the last point begins if it stands for an interval that is not over. */
  running: number | null
  /** Where the chart ends: later than `end` when the figures are behind the clock. */
  until: number
}

type Scale = { unit: string; divisor: number }

export function Plot({ columns, label }: { columns: Columns; label: string }) {
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const shown = useRef(columns)
  shown.current = columns
  const [zoomed, setZoomed] = useState(false)
  const hint = useId()
  const theme = useTheme()
  const { unit, divisor } = unitFor(highestOf(columns))

  useEffect(() => {
    const element = host.current!
    const options = plotOptions(() => shown.current, { unit, divisor })
    options.width = element.clientWidth
    options.hooks!.setScale = [(self, key) => key === 'x' && setZoomed(isZoomed(self))]
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
  }, [theme, unit, columns.before === null])

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
          <span class="by-mouse">{texts.figures.zoomHint}{' '}
          </span>
          <span class="by-touch">{texts.figures.touchHint} </span>
          {texts.figures.gapHint}
        </p>
        <button type="button" class={zoomed ? undefined : 'away'} onClick={reset}>{texts.figures.whole}</button>
      </div>
    </>
  )
}

function toData({ points, hashrates, rejects, before, end, until }: Columns, divisor: number): uPlot.AlignedData {
  const after = until > end ? [until] : []
  // A step's value holds to its end, and nothing is after it.
  const held = (values: (number | null)[]) => [...values, values.at(-1) ?? null, ...after.map(() => null)]
  const scaled = (values: (number | null)[]) => values.map(value => (value === null ? null : value / divisor))
  return [
    [...points.map(point => point.timestamp), end, ...after],
    held(scaled(hashrates)),
    held(rejects),
    ...(before ? [held(scaled(before))] : []),
  ]
}

function highestOf({ hashrates, before }: Columns): number {
  return Math.max(0, ...[...hashrates, ...(before ?? [])].map(value => value ?? 0))
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
  if (known.length === 0) return texts.figures.noDataAtAll
  const { unit, divisor } = unitFor(Math.max(...known))
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length
  return texts.figures.meanAndHighest(significant(mean / divisor), significant(Math.max(...known) / divisor), unit)
}

/** Days begin where the shown zone's do. */
export function zoneDate(seconds: number): Date {
  const time = new Date(seconds * 1000)
  return timeZone ? uPlot.tzDate(time, timeZone) : time
}

/** `text` above the plot, ending at `right` (pixels of the canvas). */
function write({ ctx, bbox }: uPlot, text: string, right: number, color: string): void {
  ctx.save()
  ctx.font = `${FONT_PX * uPlot.pxRatio}px ${fontFamily()}`
  ctx.fillStyle = color
  ctx.textAlign = 'right'
  ctx.textBaseline = 'bottom'
  ctx.fillText(text, right, bbox.top - 10 * uPlot.pxRatio)
  ctx.restore()
}

/** Makes what is drawn between two times lighter. */
function veil(plot: uPlot, from: number, to: number, color: string): void {
  const { ctx, bbox } = plot
  const [left, right] = [plot.valToPos(from, 'x', true), plot.valToPos(to, 'x', true)]
  ctx.save()
  ctx.globalAlpha = 0.5
  ctx.fillStyle = color
  ctx.fillRect(Math.max(left, bbox.left), bbox.top, right - Math.max(left, bbox.left), bbox.height)
  ctx.restore()
}

function fontFamily(): string {
  return getComputedStyle(document.documentElement).getPropertyValue('--font').trim()
}

/** All ticks of an axis with as many decimals as its step has. */
function decimals(step: number): (value: number) => string {
  const digits = String(Number(step.toPrecision(6))).split('.')[1]?.length ?? 0
  return value => (value === 0 ? '0' : fixed(value, digits))
}

/** `columns` gives the exact figures under the crosshair; the chart's own are scaled floats. */
function plotOptions(columns: () => Columns, { unit, divisor }: Scale): uPlot.Options {
  const css = getComputedStyle(document.documentElement)
  const color = (name: string) => css.getPropertyValue(name).trim()
  const font = `${FONT_PX}px ${fontFamily()}`
  const axis = { stroke: color('--muted'), font, grid: { stroke: color('--grid'), width: 1 } }
  const line = { paths: uPlot.paths.stepped!({ align: 1 }), points: { show: false } }
  /** The point at a place of the plot: the newest whole one without a crosshair, -1 in the gap after it. */
  const place = (i: number | null) => {
    const { points, running } = columns()
    const last = points.length - 1
    if (i === null) return running === null ? last : last - 1
    return i > points.length ? -1 : Math.min(i, last)
  }
  const shown = (values: (number | null)[], i: number | null, known: (value: number, point: Point) => string) => {
    const value = values[place(i)]
    return value == null ? texts.figures.noData : known(value, columns().points[place(i)]!)
  }
  // All digits take a line of their own on a phone, which has none to spare.
  const withExact = (short: string, exact: string) => (WIDE.matches ? `${short} (${exactHashrate(exact)})` : short)
  const periodBefore: uPlot.Series = {
    ...line,
    label: texts.figures.beforeIn(unit),
    scale: 'rate',
    stroke: color('--link'),
    dash: [8, 3],
    width: 1.5,
    value: (_, __, ___, i) => shown(columns().before ?? [], i, value => significant(value / divisor)),
  }
  return {
    width: 0,
    height: HEIGHT,
    tzDate: zoneDate,
    // Above the axes stands what they measure.
    padding: [26, null, null, null],
    hooks: {
      draw: [
        plot => {
          const { running, end } = columns()
          if (running !== null) veil(plot, running, end, color('--card'))
          write(plot, unit, plot.bbox.left - TICK_PX * uPlot.pxRatio, color('--muted'))
          write(plot, texts.figures.rejectedAxis, plot.ctx.canvas.width, color('--reject'))
        },
      ],
    },
    cursor: {
      drag: { x: true, y: false },
      // A step holds from its point to the next one, so the point is the one before the crosshair,
      // not the nearest; a pixel's grace for a crosshair that was put on a point.
      dataIdx: (plot, _, nearest, time) =>
        plot.data[0][nearest]! - time > plot.posToVal(1, 'x') - plot.posToVal(0, 'x') ? nearest - 1 : nearest,
    },
    scales: {
      rate: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] },
      reject: { range: (_, __, max) => [0, Math.max(5, max * 1.1)] },
    },
    axes: [
      { ...axis, size: 32, values: (_, ticks) => ticks.map(tick) },
      { ...axis, scale: 'rate', size: 48, values: (_, ticks, __, ___, step) => ticks.map(decimals(step)) },
      {
        ...axis,
        stroke: color('--reject'),
        scale: 'reject',
        side: 1,
        size: 48,
        grid: { show: false },
        values: (_, ticks, __, ___, step) => ticks.map(decimals(step)),
      },
    ],
    series: [
      {
        label: texts.figures.from,
        value: (_, __, ___, i) => {
          const found = columns().points[place(i)]
          if (!found) return '–'
          const soFar = found.timestamp === columns().running ? `, ${texts.figures.soFar}` : ''
          return moment(found.timestamp) + soFar
        },
      },
      {
        ...line,
        label: texts.figures.hashrateIn(unit),
        scale: 'rate',
        stroke: color('--accent'),
        fill: color('--accent-fill'),
        width: 2,
        value: (_, __, ___, i) =>
          shown(columns().hashrates, i, (value, { hashrate }) => withExact(significant(value / divisor), hashrate)),
      },
      {
        ...line,
        label: texts.figures.rejected,
        scale: 'reject',
        stroke: color('--reject'),
        dash: [5, 4],
        width: 1.5,
        value: (_, __, ___, i) =>
          shown(columns().rejects, i, (value, { rejectrate }) => withExact(percent(value), rejectrate)),
      },
      ...(columns().before ? [periodBefore] : []),
    ],
  }
}
