// One worker: its chart, what was rejected, when it was stable.

import { useState } from 'preact/hooks'
import { usePolled } from '../hooks'
import { Chart } from '../parts/charts/chart'
import { Ago, LowMark, StatTiles, StatusMark } from '../parts/figures'
import { Name } from '../parts/name'
import { RejectCourse } from '../parts/charts/reject_course'
import { Refusal, Waiting } from '../parts/refusal'
import { Rejects } from '../parts/charts/rejects'
import { lastDays, Timeline } from '../parts/charts/timeline'
import { OwnLabels } from '../parts/lists/labels'
import { Transitions } from '../parts/lists/transitions'
import { WorkerShares } from '../parts/lists/worker_shares'
import { minerHref } from '../route'
import { useReport, useTitle } from '../shell'
import { texts } from '../text'
import type { Availability, Page, Transition, WorkerDetails } from '../answers/figures'

export function WorkerView({ id }: { id: string }) {
  const [labelled, setLabelled] = useState(0)
  const worker = usePolled<WorkerDetails>(`/workers/${id}`, labelled)
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
  if (!shown) return <Waiting error={worker.error} />
  return (
    <>
      <header class="title">
        <h1>
          <a href={minerHref(shown.miner.id)}><Name>{shown.miner.account_name}</Name></a> · <Name>{shown.name}</Name>
        </h1>
        <p>
          <StatusMark status={shown.status} /> <LowMark normal={shown.normal} />
          {shown.behavior === 'boundary' && <span class="badge" title={texts.workers.boundaryHint}>{texts.workers.behaviors.boundary}</span>}
          <span class="muted"> · <Ago iso={shown.last_share_at} prefix={texts.workers.lastShareWas} /></span>
        </p>
      </header>
      <StatTiles stats={shown.stats} since={shown.created_at} />
      <WorkerShares worker={shown} />
      <Chart
        title={texts.figures.ofWorker}
        path={query => `/workers/charts?${query}&id=${id}`}
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
      <RejectCourse path={query => `/workers/rejects/charts?${query}&id=${id}`} id={id} />
      <OwnLabels worker={shown} onDone={() => setLabelled(labelled + 1)} />
      <div class="columns">
        <Rejects kind="workers" id={id} rates={shown.stats['1d']} />
        <section class="card" aria-label={texts.workers.transitions}>
          <h2>{texts.workers.transitions}</h2>
          <Transitions
            transitions={changes?.data ?? []}
            empty={changes ? texts.workers.noTransitions : texts.page.loading}
          />
        </section>
      </div>
    </>
  )
}
