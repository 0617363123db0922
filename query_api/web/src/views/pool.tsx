// What a pool operator looks at: the whole pool, and the health of the service itself.

import { count, duration, localTime, percent, utc } from '../format'
import { useEvents, useNow, usePolled } from '../hooks'
import { Chart } from '../parts/chart'
import { Hashrate, StatTiles, StatusMark } from '../parts/figures'
import { merge, Transitions } from '../parts/transitions'
import { minerHref } from '../route'
import { useReport } from '../shell'
import {
  type MinerFigures,
  type Overview,
  STATUSES,
  type Stats,
  type StatusCounts,
  type Transition,
} from '../types'

export const SHOWN_EVENTS = 15

export function PoolView({ id }: { id: string }) {
  const now = useNow(5)
  const stats = usePolled<Stats>(`/pools/${id}/stats`)
  const overview = usePolled<Overview>(`/pools/${id}/overview`).answer?.body
  useReport(stats)
  return (
    <>
      <h1>Pool</h1>
      {stats.answer && <StatTiles stats={stats.answer.body} now={now} />}
      <Chart title="Hashrate of the pool" path={period => `/pools/${id}/charts?period=${period}`} zeroIsGap />
      <div class="columns">
        <Statuses path={`/pools/${id}/workers/stats`} />
        {overview && <Health service={overview.service} now={now} />}
      </div>
      {overview && (
        <div class="columns">
          <TopMiners miners={overview.top_miners} />
          <Drops miners={overview.biggest_drops} />
        </div>
      )}
      <LiveTransitions path={`/pools/${id}/workers/events`} stored={overview?.events ?? null} now={now} />
    </>
  )
}

export function Statuses({ path }: { path: string }) {
  const { answer } = usePolled<StatusCounts>(path)
  const total = answer ? STATUSES.reduce((sum, status) => sum + (answer.body[status] ?? 0), 0) : 0
  return (
    <section class="card" aria-label="Workers by status">
      <h2>Workers by status</h2>
      {!answer && <p class="empty">Loading…</p>}
      {answer && total === 0 && <p class="empty">No worker yet: one appears with its first share.</p>}
      {answer && total > 0 && (
        <table class="plain">
          <tbody>
            {STATUSES.map(status => (
              <tr key={status}>
                <th scope="row"><StatusMark status={status} /></th>
                <td class="number">{count(answer.body[status] ?? 0)}</td>
                <td class="number muted">{percent((100 * (answer.body[status] ?? 0)) / total)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

function Health({ service, now }: { service: Overview['service']; now: number }) {
  const seconds = (iso: string) => Math.max(0, (now - Date.parse(iso)) / 1000)
  const rows: [string, string | null][] = [
    ['Stream time behind the clock', service.stream_time],
    ['Last flush of shares', service.last_flush_at],
    ['Last beat of the figures', service.beat_at],
  ]
  const current = service.caught_up && service.stream_time !== null && seconds(service.stream_time) < 60
  return (
    <section class="card" aria-label="Health of the service">
      <h2>Health of the service</h2>
      <table class="plain">
        <tbody>
          <tr>
            <th scope="row">State</th>
            <td>{current ? '● up to date' : '▲ catching up'}</td>
          </tr>
          {rows.map(([title, iso]) => (
            <tr key={title}>
              <th scope="row">{title}</th>
              <td title={iso ? `${localTime(iso)}, ${utc(iso)}` : ''}>{iso ? duration(seconds(iso)) : 'never'}</td>
            </tr>
          ))}
          <tr>
            <th scope="row">Partitions</th>
            <td class="number">{service.partitions}</td>
          </tr>
        </tbody>
      </table>
    </section>
  )
}

function TopMiners({ miners }: { miners: MinerFigures[] }) {
  return (
    <section class="card" aria-label="Top miners">
      <h2>Top miners, 1h</h2>
      {miners.length === 0 && <p class="empty">No miner has worked in the last hour.</p>}
      <table class="plain">
        <tbody>
          {miners.map(miner => (
            <tr key={miner.id}>
              <th scope="row"><MinerLink miner={miner} /></th>
              <td><Hashrate value={miner.stats['1h'].hashrate} /></td>
              <td class="muted">{count(miner.workers)} workers</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

/** The last quarter of an hour against the hour: who has just lost the most. */
function Drops({ miners }: { miners: MinerFigures[] }) {
  return (
    <section class="card" aria-label="Biggest drops in the last hour">
      <h2>Biggest drops, 15m against 1h</h2>
      {miners.length === 0 && <p class="empty">Nobody has dropped.</p>}
      <table class="plain">
        <tbody>
          {miners.map(miner => {
            const before = Number(miner.stats['1h'].hashrate)
            const drop = before - Number(miner.stats['15m'].hashrate)
            return (
              <tr key={miner.id}>
                <th scope="row"><MinerLink miner={miner} /></th>
                <td>▼ <Hashrate value={drop.toFixed(2)} /></td>
                <td class="muted number">{percent((100 * drop) / before)}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}

function MinerLink({ miner }: { miner: MinerFigures }) {
  return <a href={minerHref(miner.id)}>{miner.title ?? miner.account_name}</a>
}

type LiveProps = { path: string; stored: Transition[] | null; now: number }

/** What is stored, and what comes live from the stream at `path`. */
export function LiveTransitions({ path, stored, now }: LiveProps) {
  const live = useEvents<Transition>(path, SHOWN_EVENTS)
  return (
    <section class="card" aria-label="Latest status transitions">
      <h2>Latest status transitions</h2>
      <Transitions
        transitions={merge(live, stored ?? [], SHOWN_EVENTS)}
        now={now}
        empty={stored ? 'No worker has changed its status yet.' : 'Loading…'}
      />
    </section>
  )
}
