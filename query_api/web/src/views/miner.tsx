// What a miner looks at, signed in or by a watcher link.

import { download } from '../api'
import { useNow, usePolled } from '../hooks'
import { Chart } from '../parts/chart'
import { StatTiles } from '../parts/figures'
import { Rejects } from '../parts/rejects'
import { WorkerTable } from '../parts/worker_table'
import { useReport } from '../shell'
import type { Miner, Page, Stats, Transition } from '../types'
import { LiveTransitions, SHOWN_EVENTS, Statuses } from './pool'

export function MinerView({ id }: { id: string }) {
  const now = useNow(5)
  const miner = usePolled<Miner>(`/miners/${id}`)
  const stats = usePolled<Record<string, Stats>>(`/miners/stats?id=${id}`)
  const changes = usePolled<Page<Transition>>(
    `/miners/${id}/workers/status-transitions?limit=${SHOWN_EVENTS}`,
  )
  useReport(stats)
  const figures = stats.answer?.body[id]
  const name = miner.answer?.body.account_name ?? 'Miner'
  return (
    <>
      <header class="title">
        <h1>{miner.answer?.body.title ?? name}</h1>
        <button type="button" onClick={() => void saveReport(id, name)}>Daily report, CSV</button>
      </header>
      {figures && <StatTiles stats={figures} since={miner.answer?.body.created_at} now={now} />}
      <Chart title={`Hashrate of ${name}`} path={period => `/miners/charts?period=${period}&id=${id}`} id={id} />
      <WorkerTable minerId={id} now={now} />
      <div class="columns">
        <Statuses path={`/miners/${id}/workers/stats`} />
        <Rejects kind="miners" id={id} rates={figures?.['1d']} />
      </div>
      <LiveTransitions
        path={`/miners/${id}/workers/events`}
        stored={changes.answer?.body.data ?? null}
        now={now}
      />
    </>
  )
}

function saveReport(id: string, name: string): Promise<void> {
  return download(`/miners/${id}/workers/daily-report`, `${name}-daily-report.csv`, 'text/csv')
}
