// What an operator looks at: all miners that it manages.

import { usePolled } from '../hooks'
import { Chart } from '../parts/charts/chart'
import { StatTiles } from '../parts/figures'
import { MinerTable } from '../parts/lists/miner_table'
import { Name } from '../parts/name'
import { RejectCourse } from '../parts/charts/reject_course'
import { Refusal } from '../parts/refusal'
import { Statuses } from '../parts/statuses'
import { WorkerTable } from '../parts/lists/worker_table'
import { operatorHref } from '../route'
import { useReport, useTitle } from '../shell'
import { texts } from '../text'
import type { Stats } from '../answers/figures'

export function OperatorView({ id }: { id: string }) {
  const operator = usePolled<{ title: string }>(`/operators/${id}`)
  const stats = usePolled<Stats>(`/operators/${id}/stats`)
  const title = operator.answer?.body.title
  useReport(stats)
  useTitle(title)
  if (operator.error && !operator.error.passing) return <Refusal error={operator.error} />
  return (
    <>
      <h1><Name>{title ?? texts.access.operator}</Name></h1>
      {stats.answer && <StatTiles stats={stats.answer.body} />}
      <Chart title={texts.figures.ofOperator} path={query => `/operators/${id}/charts?${query}`} />
      <RejectCourse path={query => `/operators/${id}/rejects/charts?${query}`} />
      <Statuses path={`/operators/${id}/workers/stats`} href={operatorHref(id)} />
      <MinerTable path={`/operators/${id}/miners`} />
      <WorkerTable path={`/operators/${id}/workers`} ofMiners />
    </>
  )
}
