// Small parts that show one figure: a hashrate, a time, a status, the stats of four windows.

import { useNow } from '../clock'
import { ago, bothTimes, exactHashrate, hashrate, percent, rejectPercent } from '../format'
import { type Stats, type Status, WINDOW_SECONDS, type WindowName, WINDOWS } from '../types'

export function Hashrate({ value }: { value: string }) {
  return <span class="number" title={exactHashrate(value)}>{hashrate(value)}</span>
}

/** "3 min ago", which keeps itself up to date; the exact time on hover. */
export function Ago({ iso, prefix = '' }: { iso: string | null; prefix?: string }) {
  const now = useNow()
  if (!iso) return <span class="muted">never</span>
  return <time dateTime={iso} title={bothTimes(iso)}>{prefix}{ago(iso, now)}</time>
}

// A shape beside the colour: status must be readable without seeing colours.
const SIGNS: Record<Status, string> = { stable: '●', unavailable: '▲', off: '■', removed: '✕' }

export function StatusMark({ status }: { status: Status }) {
  return (
    <span class={`status ${status}`}>
      <span aria-hidden="true">{SIGNS[status]}</span> {status}
    </span>
  )
}

const WARMING_UP = 'Mining began inside this window, so the average still rises.'

function isWarmingUp(window: WindowName, since: string | undefined): boolean {
  return since !== undefined && Date.now() - Date.parse(since) < WINDOW_SECONDS[window] * 1000
}

/** Beside a figure in a table, where there is no room for words. */
export function WarmingUp({ window, since }: { window: WindowName; since: string | undefined }) {
  if (!isWarmingUp(window, since)) return null
  return <span class="warming" role="img" aria-label="warming up" title={`Warming up: ${WARMING_UP}`}>◔</span>
}

type TilesProps = {
  stats: Stats
  /** When the thing began to mine: a longer window is still warming up. */
  since?: string | undefined
}

export function StatTiles({ stats, since }: TilesProps) {
  return (
    <ul class="tiles">
      {WINDOWS.map(window => (
        <li key={window} class="card tile">
          <header>
            <h3>{window}</h3>
            {isWarmingUp(window, since) && <span class="warming" title={WARMING_UP}>◔ warming up</span>}
          </header>
          <p class="big"><Hashrate value={stats[window].hashrate} /></p>
          <p class="muted" title={exactHashrate(stats[window].rejectrate)}>
            {percent(rejectPercent(stats[window]))} rejected
          </p>
        </li>
      ))}
    </ul>
  )
}
