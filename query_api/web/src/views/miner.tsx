// What a miner looks at, signed in or by a watcher link.

import { useState } from 'preact/hooks'
import { download } from '../api'
import { usePolled } from '../hooks'
import { Chart } from '../parts/chart'
import { StatTiles } from '../parts/figures'
import { LiveTransitions, SHOWN_EVENTS } from '../parts/live'
import { Refusal } from '../parts/refusal'
import { Rejects } from '../parts/rejects'
import { Statuses } from '../parts/statuses'
import { lastDays } from '../parts/timeline'
import { WorkerTable } from '../parts/worker_table'
import { useReport, useTitle } from '../shell'
import type { Miner, Page, Stats, Transition } from '../types'

export function MinerView({ id }: { id: string }) {
  const miner = usePolled<Miner>(`/miners/${id}`)
  const stats = usePolled<Record<string, Stats>>(`/miners/stats?id=${id}`)
  const changes = usePolled<Page<Transition>>(
    `/miners/${id}/workers/status-transitions?limit=${SHOWN_EVENTS}`,
  )
  const figures = stats.answer?.body[id]
  const shown = miner.answer?.body
  const name = shown?.account_name ?? 'Miner'
  useReport(stats)
  useTitle(shown?.title ?? shown?.account_name)
  if (miner.error && !miner.error.passing) return <Refusal error={miner.error} />
  return (
    <>
      <header class="title">
        <h1>{shown?.title ?? name}</h1>
        {shown && <ReportButton id={id} name={name} />}
      </header>
      {figures && <StatTiles stats={figures} since={shown?.created_at} />}
      <Chart
        title={`Hashrate of ${name}`}
        path={period => `/miners/charts?period=${period}&id=${id}`}
        id={id}
        since={shown?.created_at}
      />
      <WorkerTable minerId={id} />
      <div class="columns">
        <Statuses path={`/miners/${id}/workers/stats`} />
        <Rejects kind="miners" id={id} rates={figures?.['1d']} />
      </div>
      <LiveTransitions path={`/miners/${id}/workers/events`} stored={changes.answer?.body.data ?? null} />
    </>
  )
}

function ReportButton({ id, name }: { id: string; name: string }) {
  const [failure, setFailure] = useState<string | null>(null)
  const save = () => {
    const { first, last } = lastDays(Date.now())
    setFailure(null)
    download(
      `/miners/${id}/workers/daily-report?from=${first}&to=${last}`,
      `${name}-${first}-${last}.csv`,
      'text/csv',
    ).catch((error: Error) => setFailure(error.message))
  }
  return (
    <span>
      {failure && <span role="alert">▲ {failure} </span>}
      <button type="button" title="Each worker on each of the last seven UTC days" onClick={save}>
        Daily report, CSV
      </button>
    </span>
  )
}
