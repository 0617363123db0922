// One worker: its chart, what was rejected, when it was stable.

import { usePolled } from '../hooks'
import { Chart } from '../parts/chart'
import { Ago, StatTiles, StatusMark } from '../parts/figures'
import { Refusal } from '../parts/refusal'
import { Rejects } from '../parts/rejects'
import { lastDays, Timeline } from '../parts/timeline'
import { Transitions } from '../parts/transitions'
import { minerHref } from '../route'
import { useReport, useTitle } from '../shell'
import type { Availability, Page, Transition, Worker } from '../types'

export function WorkerView({ id }: { id: string }) {
  const worker = usePolled<Worker>(`/workers/${id}`)
  const shown = worker.answer?.body
  const { first, last } = lastDays(Date.now())
  const availability = usePolled<Availability>(`/workers/${id}/availability?from=${first}&to=${last}`)
  const transitions = usePolled<Page<Transition>>(
    shown ? `/miners/${shown.miner.id}/workers/status-transitions?id=${id}&from=${first}&limit=100` : null,
  )
  const changes = transitions.answer?.body
  useReport(worker)
  useTitle(shown?.name)
  if (worker.error && !worker.error.passing) return <Refusal error={worker.error} />
  if (!shown) return <p class="empty">Loading…</p>
  return (
    <>
      <header class="title">
        <h1>
          <a href={minerHref(shown.miner.id)}>{shown.miner.account_name}</a> · {shown.name}
        </h1>
        <p>
          <StatusMark status={shown.status} />
          {shown.behavior === 'boundary' && <span class="badge" title="Nominal hashrate on paper">boundary</span>}
          <span class="muted"> · last share  <Ago iso={shown.last_share_at} /></span>
        </p>
      </header>
      <StatTiles stats={shown.stats} since={shown.created_at} />
      <Chart
        title="Hashrate of the worker"
        path={period => `/workers/charts?period=${period}&id=${id}`}
        id={id}
        since={shown.created_at}
      />
      {changes && (
        <Timeline
          transitions={changes.data}
          complete={changes.pagination.total_count === changes.data.length}
          status={shown.status}
          since={shown.created_at}
          availability={availability.answer?.body ?? null}
        />
      )}
      <div class="columns">
        <Rejects kind="workers" id={id} rates={shown.stats['1d']} />
        <section class="card" aria-label="Status transitions">
          <h2>Status transitions</h2>
          <Transitions
            transitions={changes?.data ?? []}
            empty={changes ? 'This worker has not changed its status in the last 7 days.' : 'Loading…'}
          />
        </section>
      </div>
    </>
  )
}
