// What a miner looks at, signed in or by a watcher link.

import { useState } from 'preact/hooks'
import { download } from '../service/api'
import { usePolled } from '../hooks'
import { Chart } from '../parts/charts/chart'
import { StatTiles } from '../parts/figures'
import { LiveTransitions, SHOWN_EVENTS } from '../parts/lists/live'
import { MinerSections } from '../parts/sections'
import { Name } from '../parts/name'
import { RejectCourse } from '../parts/charts/reject_course'
import { Refusal } from '../parts/refusal'
import { Rejects } from '../parts/charts/rejects'
import { Statuses } from '../parts/statuses'
import { lastDays } from '../parts/charts/timeline'
import { WorkerTable } from '../parts/lists/worker_table'
import { minerHref } from '../route'
import { useReport, useTitle } from '../shell'
import { texts } from '../text'
import type { Miner, Page, Stats, Transition } from '../answers/figures'

export function MinerView({ id }: { id: string }) {
  const miner = usePolled<Miner>(`/miners/${id}`)
  const stats = usePolled<Record<string, Stats>>(`/miners/stats?id=${id}`)
  const changes = usePolled<Page<Transition>>(
    `/miners/${id}/workers/status-transitions?limit=${SHOWN_EVENTS}`,
  )
  const figures = stats.answer?.body[id]
  const shown = miner.answer?.body
  const name = shown?.account_name ?? texts.figures.miner
  useReport(stats)
  useTitle(shown?.title ?? shown?.account_name)
  if (miner.error && !miner.error.passing) return <Refusal error={miner.error} />
  return (
    <>
      <header class="title">
        <h1><Name>{shown?.title ?? name}</Name></h1>
        {shown && <ReportButton id={id} name={name} />}
      </header>
      <MinerSections id={id} at="workers" />
      {figures && <StatTiles stats={figures} since={shown?.created_at} />}
      <Chart
        title={texts.figures.hashrateOf(name)}
        path={query => `/miners/charts?${query}&id=${id}`}
        id={id}
        since={shown?.created_at}
      />
      <WorkerTable path={`/miners/${id}/workers`} />
      <div class="columns">
        <Statuses path={`/miners/${id}/workers/stats`} href={minerHref(id)} />
        <Rejects kind="miners" id={id} rates={figures?.['1d']} />
      </div>
      <RejectCourse path={query => `/miners/rejects/charts?${query}&id=${id}`} id={id} />
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
      <button type="button" title={texts.figures.dailyReportHint} onClick={save}>
        {texts.figures.dailyReport}
      </button>
    </span>
  )
}
