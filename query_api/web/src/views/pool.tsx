// What a pool operator looks at: the whole pool, and the health of the service itself.

import { usePolled } from '../hooks'
import { Chart } from '../parts/charts/chart'
import { StatTiles } from '../parts/figures'
import { Health } from '../parts/health'
import { FirstShare } from '../parts/first_share'
import { LiveTransitions } from '../parts/lists/live'
import { MinerTable } from '../parts/lists/miner_table'
import { BiggestDrops, TopMiners } from '../parts/lists/miners'
import { Name } from '../parts/name'
import { RejectCourse } from '../parts/charts/reject_course'
import { Refusal } from '../parts/refusal'
import { PoolSections } from '../parts/sections'
import { Servers } from '../parts/lists/servers'
import { Statuses } from '../parts/statuses'
import { WorkerTable } from '../parts/lists/worker_table'
import { poolHref } from '../route'
import { useReport, useTitle } from '../shell'
import { texts } from '../text'
import type { Overview, Stats } from '../answers/figures'

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
      <h1><Name>{pool.answer?.body.title ?? texts.access.pool}</Name></h1>
      <PoolSections id={id} at="pool" />
      {figures?.since === null && <FirstShare />}
      {stats.answer && <StatTiles stats={stats.answer.body} since={figures?.since} />}
      {closed && <p class="empty">{texts.figures.poolClosed}</p>}
      <Chart
        title={texts.figures.ofPool}
        path={query => `/pools/${id}/charts?${query}`}
        since={figures?.since}
        zeroIsGap
      />
      <RejectCourse path={query => `/pools/${id}/rejects/charts?${query}`} />
      <div class="columns">
        <Statuses path={`/pools/${id}/workers/stats`} href={poolHref(id)} />
        {figures && <Health service={figures.service} />}
      </div>
      {figures && (
        <div class="columns">
          <TopMiners miners={figures.top_miners} />
          <BiggestDrops miners={figures.biggest_drops} />
        </div>
      )}
      <Servers path={`/pools/${id}/sources`} />
      <MinerTable path={`/pools/${id}/miners`} />
      <WorkerTable path={`/pools/${id}/workers`} ofMiners />
      <LiveTransitions
        path={`/pools/${id}/workers/events`}
        stored={closed ? [] : (figures?.events ?? null)}
        {...(closed ? { empty: texts.figures.changesClosed } : {})}
      />
    </>
  )
}
