// What a pool operator looks at: the whole pool, and the health of the service itself.

import { usePolled } from '../hooks'
import { Chart } from '../parts/chart'
import { StatTiles } from '../parts/figures'
import { Health } from '../parts/health'
import { LiveTransitions } from '../parts/live'
import { BiggestDrops, TopMiners } from '../parts/miners'
import { Refusal } from '../parts/refusal'
import { Statuses } from '../parts/statuses'
import { useReport, useTitle } from '../shell'
import type { Overview, Stats } from '../types'

export function PoolView({ id }: { id: string }) {
  const pool = usePolled<{ title: string }>(`/pools/${id}`)
  const stats = usePolled<Stats>(`/pools/${id}/stats`)
  const overview = usePolled<Overview>(`/pools/${id}/overview`)
  const figures = overview.answer?.body
  // A viewer of the pool may see its charts and workers, but not these.
  const closed = stats.error !== null && !stats.error.passing
  useReport(closed ? pool : stats)
  useTitle(pool.answer?.body.title)
  if (pool.error && !pool.error.passing) return <Refusal error={pool.error} />
  return (
    <>
      <h1>{pool.answer?.body.title ?? 'Pool'}</h1>
      {stats.answer && <StatTiles stats={stats.answer.body} since={figures?.since} />}
      {closed && <p class="empty">The pool's stats and miners are for its owner, admin and accountant.</p>}
      <Chart
        title="Hashrate of the pool"
        path={period => `/pools/${id}/charts?period=${period}`}
        since={figures?.since}
        zeroIsGap
      />
      <div class="columns">
        <Statuses path={`/pools/${id}/workers/stats`} />
        {figures && <Health service={figures.service} />}
      </div>
      {figures && (
        <div class="columns">
          <TopMiners miners={figures.top_miners} />
          <BiggestDrops miners={figures.biggest_drops} />
        </div>
      )}
      <LiveTransitions
        path={`/pools/${id}/workers/events`}
        stored={closed ? [] : (figures?.events ?? null)}
      />
    </>
  )
}
