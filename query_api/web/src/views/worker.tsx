// One worker: its chart, what was rejected, when it was stable.

import { useNow, usePolled } from '../hooks'
import { Chart } from '../parts/chart'
import { Ago, StatTiles, StatusMark } from '../parts/figures'
import { Rejects } from '../parts/rejects'
import { Timeline } from '../parts/timeline'
import { Transitions } from '../parts/transitions'
import { minerHref } from '../route'
import { useReport } from '../shell'
import type { Page, Transition, Worker } from '../types'

export function WorkerView({ id }: { id: string }) {
  const now = useNow(5)
  const worker = usePolled<Worker>(`/workers/${id}`)
  useReport(worker)
  const shown = worker.answer?.body
  const transitions = usePolled<Page<Transition>>(
    shown ? `/miners/${shown.miner.id}/workers/status-transitions?id=${id}&limit=100` : null,
  )
  const changes = transitions.answer?.body.data ?? []
  return (
    <>
      {shown && (
        <header class="title">
          <h1>
            <a href={minerHref(shown.miner.id)}>{shown.miner.account_name}</a> · {shown.name}
          </h1>
          <p>
            <StatusMark status={shown.status} />
            {shown.behavior === 'boundary' && <span class="badge">boundary</span>} last share{' '}
            <Ago iso={shown.last_share_at} now={now} />
          </p>
        </header>
      )}
      {shown && <StatTiles stats={shown.stats} since={shown.created_at} now={now} />}
      <Chart title="Hashrate of the worker" path={period => `/workers/charts?period=${period}&id=${id}`} id={id} />
      {shown && <Timeline transitions={changes} status={shown.status} since={shown.created_at ?? null} now={now} />}
      <div class="columns">
        <Rejects kind="workers" id={id} rates={shown?.stats['1d']} />
        <section class="card" aria-label="Status transitions">
          <h2>Status transitions</h2>
          <Transitions transitions={changes} now={now} empty="This worker has never changed its status." />
        </section>
      </div>
    </>
  )
}
