// What a pool operator looks at: the whole pool, and the health of the service itself.

import { Chart } from '../parts/chart'
import { Hashrate, StatTiles } from '../parts/figures'
import { merge, Transitions } from '../parts/transitions'
import { count, duration, localTime, percent, utc } from '../format'
import { useEvents, useNow, usePolled } from '../hooks'
import { minerHref } from '../route'
import type { Freshness } from '../shell'
import { type Miner, type Page, STATUSES, type Stats, type StatusCounts, type Transition } from '../types'
import { StatusMark } from '../parts/figures'
import { useReport } from '../shell'

const SHOWN = 15

export function PoolView({ id }: { id: string }) {
  const now = useNow(5)
  const stats = usePolled<Stats>(`/pools/${id}/stats`)
  useReport(stats as Freshness)
  return (
    <>
      <h1>Pool</h1>
      {stats.answer && <StatTiles stats={stats.answer.body} now={now} />}
      <Chart title="Hashrate of the pool" path={period => `/pools/${id}/charts?period=${period}`} zeroIsGap />
      <div class="columns">
        <Statuses path={`/pools/${id}/workers/stats`} />
        <Health id={id} now={now} />
      </div>
      <div class="columns">
        <Miners id={id} title="Top miners, 1h" order="hash_rate_1h" />
        <Drops id={id} />
      </div>
      <LiveTransitions path={`/pools/${id}/workers`} now={now} />
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

type ServiceHealth = {
  stream_time: string | null
  complete_to: string | null
  beat_at: string | null
  last_flush_at: string | null
  partitions: number
  caught_up: boolean
}

function Health({ id, now }: { id: string; now: number }) {
  const { answer } = usePolled<ServiceHealth>(`/pools/${id}/health`)
  const health = answer?.body
  const seconds = (iso: string | null) => (iso ? Math.max(0, (now - Date.parse(iso)) / 1000) : null)
  const lag = seconds(health?.stream_time ?? null)
  const rows: [string, string | null][] = health
    ? [
        ['Stream time behind the clock', health.stream_time],
        ['Last flush of shares', health.last_flush_at],
        ['Last beat of the figures', health.beat_at],
      ]
    : []
  return (
    <section class="card" aria-label="Health of the service">
      <h2>Health of the service</h2>
      {!health && <p class="empty">Loading…</p>}
      {health && (
        <table class="plain">
          <tbody>
            <tr>
              <th scope="row">State</th>
              <td>{health.caught_up && lag !== null && lag < 60 ? '● up to date' : '▲ catching up'}</td>
            </tr>
            {rows.map(([title, iso]) => (
              <tr key={title}>
                <th scope="row">{title}</th>
                <td title={iso ? `${localTime(iso)}, ${utc(iso)}` : ''}>{iso ? duration(seconds(iso)!) : 'never'}</td>
              </tr>
            ))}
            <tr>
              <th scope="row">Partitions</th>
              <td class="number">{health.partitions}</td>
            </tr>
          </tbody>
        </table>
      )}
    </section>
  )
}

type MinersProps = { id: string; title: string; order: string }

function Miners({ id, title, order }: MinersProps) {
  const { answer } = usePolled<Page<Miner>>(
    `/pools/${id}/miners?sort-by=${order}&sort-direction=desc&limit=10`,
  )
  return (
    <section class="card" aria-label={title}>
      <h2>{title}</h2>
      {answer?.body.data.length === 0 && <p class="empty">No miner yet.</p>}
      <table class="plain">
        <tbody>
          {answer?.body.data.map(miner => (
            <tr key={miner.id}>
              <th scope="row"><a href={minerHref(miner.id)}>{miner.title ?? miner.account_name}</a></th>
              <td>{miner.stats && <Hashrate value={miner.stats['1h'].hashrate} />}</td>
              <td class="muted">{count(miner.workers?.count ?? 0)} workers</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

/** The last quarter of an hour against the hour: who has just lost the most. */
function Drops({ id }: { id: string }) {
  const { answer } = usePolled<Page<Miner>>(`/pools/${id}/miners?sort-by=drop_1h&sort-direction=desc&limit=10`)
  const drops = (answer?.body.data ?? [])
    .map(miner => ({ miner, drop: Number(miner.stats?.['1h'].hashrate) - Number(miner.stats?.['15m'].hashrate) }))
    .filter(({ drop }) => drop > 0)
  return (
    <section class="card" aria-label="Biggest drops in the last hour">
      <h2>Biggest drops, 15m against 1h</h2>
      {answer && drops.length === 0 && <p class="empty">Nobody has dropped.</p>}
      <table class="plain">
        <tbody>
          {drops.map(({ miner, drop }) => (
            <tr key={miner.id}>
              <th scope="row"><a href={minerHref(miner.id)}>{miner.title ?? miner.account_name}</a></th>
              <td>▼ <Hashrate value={drop.toFixed(2)} /></td>
              <td class="muted number">{percent((100 * drop) / Number(miner.stats!['1h'].hashrate))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

/** Stored transitions and the live ones as they come; `path` is that of the workers. */
export function LiveTransitions({ path, now }: { path: string; now: number }) {
  const stored = usePolled<Page<Transition>>(`${path}/status-transitions?limit=${SHOWN}`)
  const live = useEvents<Transition>(`${path}/events`, SHOWN)
  return (
    <section class="card" aria-label="Latest status transitions">
      <h2>Latest status transitions</h2>
      <Transitions
        transitions={merge(live, stored.answer?.body.data ?? [], SHOWN)}
        now={now}
        empty={stored.answer ? 'No worker has changed its status yet.' : 'Loading…'}
      />
    </section>
  )
}
