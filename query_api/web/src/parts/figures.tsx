// Small parts that show one figure: a hashrate, a time, a status, the stats of four windows.

import { useNow } from '../clock'
import { ago, bothTimes, exactHashrate, hashrate, percent, rejectPercent } from '../format'
import { texts } from '../text'
import { type Normal, type Stats, type Status, WINDOW_SECONDS, type WindowName, WINDOWS } from '../answers/figures'

export function Hashrate({ value }: { value: string }) {
  return <span class="number" title={exactHashrate(value)}>{hashrate(value)}</span>
}

/** "3 min ago", which keeps itself up to date; the exact time on hover. */
export function Ago({ iso, prefix = '' }: { iso: string | null; prefix?: string }) {
  const now = useNow()
  if (!iso) return <span class="muted">{texts.page.never}</span>
  return <time dateTime={iso} title={bothTimes(iso)}>{prefix}{ago(iso, now)}</time>
}

// A shape beside the colour: status must be readable without seeing colours.
const SIGNS: Record<Status, string> = { stable: '●', unavailable: '▲', off: '■', removed: '✕' }

export function StatusMark({ status }: { status: Status }) {
  return (
    <span class={`status ${status}`}>
      <span aria-hidden="true">{SIGNS[status]}</span> {texts.workers.statuses[status]}
    </span>
  )
}

/** Beside the status: below its own normal by more than chance. */
export function LowMark({ normal: { low, window, effective, expected } }: { normal: Normal }) {
  if (!low || !window || !effective || !expected) return null
  const title = texts.workers.lowWhy(hashrate(effective), texts.spans[window], hashrate(expected))
  return <span class="badge low" title={title}>{texts.workers.low}</span>
}

function isWarmingUp(window: WindowName, since: string | undefined): boolean {
  return since !== undefined && Date.now() - Date.parse(since) < WINDOW_SECONDS[window] * 1000
}

/** Beside a figure in a table, where there is no room for words. */
export function WarmingUp({ window, since }: { window: WindowName; since: string | undefined }) {
  if (!isWarmingUp(window, since)) return null
  return <span class="warming" role="img" aria-label={texts.figures.warming} title={texts.figures.warmingMark(texts.figures.warmingWhy)}>◔</span>
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
            <h2>{texts.spans[window]}</h2>
            {isWarmingUp(window, since) && <span class="warming" title={texts.figures.warmingWhy}>◔ {texts.figures.warming}</span>}
          </header>
          <p class="big"><Hashrate value={stats[window].hashrate} /></p>
          <p class="muted" title={exactHashrate(stats[window].rejectrate)}>
            {texts.figures.rejectedShare(percent(rejectPercent(stats[window])))}
          </p>
        </li>
      ))}
    </ul>
  )
}
