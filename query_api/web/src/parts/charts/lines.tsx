// Several steps over the same time on one canvas, one colour and one dash each: workers, reasons.

import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { hashrate, moment, tick, unitFor } from '../../format'
import { texts } from '../../text'
import { useTheme } from '../../theme'
import { zoneDate } from './plot'

const HEIGHT = 240
const COLORS = ['--accent', '--link', '--stable', '--reject', '--unavailable', '--removed'] as const
// A line differs from the others without its colour.
const DASHES = [[], [6, 4], [2, 3]] as const

export type Line = { name: string; values: (number | null)[] }

type Props = {
  label: string
  /** Beginnings of the steps, and the end of the last one. */
  times: number[]
  lines: Line[]
}

export function Lines({ label, times, lines }: Props) {
  const host = useRef<HTMLDivElement>(null)
  const theme = useTheme()
  const highest = Math.max(0, ...lines.flatMap(line => line.values.map(value => value ?? 0)))
  const { unit, divisor } = unitFor(highest)
  useEffect(() => {
    const element = host.current!
    const data = [times, ...lines.map(({ values }) => scaled(values, divisor))] as uPlot.AlignedData
    const plot = new uPlot(optionsOf(lines, unit, divisor, element.clientWidth), data, element)
    const resize = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }))
    resize.observe(element)
    return () => {
      resize.disconnect()
      plot.destroy()
    }
  }, [theme, times, lines, unit])
  return <div ref={host} class="chart-space lines" role="img" aria-label={`${label}. ${summary(lines)}`} />
}

/** The last step holds to its end. */
function scaled(values: (number | null)[], divisor: number): (number | null)[] {
  return [...values, values.at(-1) ?? null].map(value => (value === null ? null : value / divisor))
}

function summary(lines: Line[]): string {
  return lines
    .map(({ name, values }) => {
      const known = values.filter(value => value !== null)
      const mean = known.reduce((sum, value) => sum + value, 0) / (known.length || 1)
      return texts.figures.meanOf(name, hashrate(mean))
    })
    .join('; ')
}

/** Without a crosshair the legend has the newest step. */
const last = (plot: uPlot) => Math.max(0, plot.data[0].length - 2)

function optionsOf(lines: Line[], unit: string, divisor: number, width: number): uPlot.Options {
  const css = getComputedStyle(document.documentElement)
  const color = (name: string) => css.getPropertyValue(name).trim()
  const font = `12px ${color('--font')}`
  const axis = { stroke: color('--muted'), font, grid: { stroke: color('--grid'), width: 1 } }
  return {
    width,
    height: HEIGHT,
    tzDate: zoneDate,
    scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [{ ...axis, values: (_, ticks) => ticks.map(tick) }, { ...axis, label: unit, labelFont: font, labelSize: 18, size: 48 }],
    series: [
      { label: texts.figures.from, value: (plot, _, __, i) => moment(plot.data[0][i ?? last(plot)]!) },
      ...lines.map(({ name }, i) => ({
        label: name,
        stroke: color(COLORS[i % COLORS.length]!),
        dash: [...DASHES[Math.floor(i / COLORS.length) % DASHES.length]!],
        width: 1.6,
        paths: uPlot.paths.stepped!({ align: 1 }),
        points: { show: false },
        value: (plot: uPlot, _: number, series: number, at: number | null) => {
          const value = plot.data[series]![at ?? last(plot)]
          return value == null ? texts.figures.noData : hashrate(value * divisor)
        },
      })),
    ],
  }
}
