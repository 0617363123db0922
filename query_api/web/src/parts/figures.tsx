// Small parts that show one figure: a hashrate, a time, a status, the stats of four windows.

import { ago, exactHashrate, hashrate, localTime, percent, rejectPercent, utc } from '../format'
import { type Stats, type Status, WINDOW_SECONDS, WINDOWS } from '../types'

export function Hashrate({ value }: { value: string }) {
  return <span class="number" title={exactHashrate(value)}>{hashrate(value)}</span>
}

export function Time({ iso }: { iso: string }) {
  return <time dateTime={iso} title={utc(iso)}>{localTime(iso)}</time>
}

export function Ago({ iso, now }: { iso: string | null; now: number }) {
  if (!iso) return <span class="muted">never</span>
  return <time dateTime={iso} title={utc(iso)}>{ago(iso, now)}</time>
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

type TilesProps = {
  stats: Stats
  /** When the thing began to mine: a longer window is still warming up. */
  since?: string | null
  now: number
}

export function StatTiles({ stats, since, now }: TilesProps) {
  const age = since ? (now - Date.parse(since)) / 1000 : Infinity
  return (
    <ul class="tiles">
      {WINDOWS.map(window => (
        <li key={window} class="card tile">
          <h3>{window}</h3>
          <p class="big"><Hashrate value={stats[window].hashrate} /></p>
          <p class="muted" title={exactHashrate(stats[window].rejectrate)}>
            {percent(rejectPercent(stats[window]))} rejected
          </p>
          {age < WINDOW_SECONDS[window] && (
            <p class="warming" title="Mining began inside this window, so the average still rises.">
              ◔ warming up
            </p>
          )}
        </li>
      ))}
    </ul>
  )
}
