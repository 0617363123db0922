// A line of a worker's last hour, small enough for a table row.

import { texts } from '../../text'
import type { Point } from '../../answers/figures'

const WIDTH = 96
const HEIGHT = 22

export function Sparkline({ points }: { points: Point[] | undefined }) {
  if (!points || points.length === 0) return <span class="muted">–</span>
  const values = points.map(point => Number(point.hashrate))
  const highest = Math.max(...values)
  if (highest === 0) return <span class="muted">{texts.figures.noWork}</span>
  const x = (i: number) => (i * WIDTH) / (values.length - 1)
  const y = (value: number) => HEIGHT - 1 - (value / highest) * (HEIGHT - 3)
  const line = values.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`).join(' ')
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} aria-hidden="true">
      <polygon points={`0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}`} />
      <polyline points={line} />
    </svg>
  )
}
