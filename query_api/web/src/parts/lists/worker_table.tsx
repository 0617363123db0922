// Workers of a miner, an operator or a pool: sorted, filtered, searched and paged by the API, so that
// 20,000 are no matter. What is chosen stands in the address.

import { useState } from 'preact/hooks'
import { exactHashrate, percent, rejectPercent } from '../../format'
import { useLast, usePolled, useSettled } from '../../hooks'
import { minerHref, setParams, useParam, workerHref } from '../../route'
import { texts } from '../../text'
import {
  type ChartOfMany,
  type LabelCounts,
  type Page,
  STATUSES,
  type Status,
  type StatusCounts,
  type Worker,
} from '../../answers/figures'
import { LabelChoice, LabelEdit, type LabelFilter, RowLabels } from './labels'
import { Compare, type Picks, usePicks } from '../charts/compare'
import { Ago, Hashrate, LowMark, StatusMark, WarmingUp } from '../figures'
import {
  type Column,
  ListFoot,
  namesOf,
  Pick,
  ROWS,
  SearchField,
  type Sort,
  SortHeader,
  StatusChoice,
} from './list_controls'
import { Name } from '../name'
import { Waiting } from '../refusal'
import { Sparkline } from '../charts/sparkline'

type Filter = { search: string; statuses: Status[]; behavior: string } & LabelFilter

const SHOWN_WINDOWS = ['15m', '1h', '1d'] as const

const COLUMNS: Column[] = [
  { title: texts.workers.worker, by: 'worker_name', first: 'asc' },
  { title: texts.workers.status, by: 'default', first: 'asc' },
  { title: texts.spans['15m'], by: 'hash_rate_15m', first: 'desc' },
  { title: texts.spans['1h'], by: 'hash_rate_1h', first: 'desc' },
  { title: texts.spans['1d'], by: 'hash_rate_24h', first: 'desc' },
  { title: texts.workers.rejected15m, by: 'reject_pct_15m', first: 'desc' },
]

type Props = {
  /** Address of the list: `/miners/…/workers`. */
  path: string
  /** Whose worker each is, if they are of several miners. */
  ofMiners?: boolean
}

export function WorkerTable({ path, ofMiners = false }: Props) {
  const [sorted] = useParam('sort', 'default asc')
  const [typed] = useParam('search', '')
  const [chosen] = useParam('status', '')
  const [behavior] = useParam('kind', '')
  const [tagged, setTagged] = useState(0)
  const [tags] = useParam('tags', '')
  const [group] = useParam('group', '')
  const [rows, setRows] = useParam('rows', ROWS)
  const [at, setAt] = useParam('offset', '0')
  const [by = 'default', direction = 'asc'] = sorted.split(' ')
  const sort = { by, direction } as Sort
  const statuses = STATUSES.filter(status => chosen.split(',').includes(status))
  const filter: Filter = { search: typed, statuses, behavior, tags: tags.split(' ').filter(Boolean), group }
  const search = useSettled(typed, 250)
  const limit = Number(rows) || Number(ROWS)
  const offset = Math.max(0, Number(at) || 0)
  const shown = `${path}?${query(sort, { ...filter, search }, offset, limit)}`
  const { answer, error } = usePolled<Page<Worker>>(shown, tagged)
  const counts = usePolled<StatusCounts>(`${path}/stats`)
  const page = useLast(answer?.body ?? null)
  // A watcher link sees no labels.
  const labelled = page?.data.some(worker => worker.labels) ?? false
  const labels = useLast(usePolled<LabelCounts>(labelled ? `${path}/labels` : null, tagged).answer?.body ?? null)
  const change = (next: Filter) =>
    setParams({
      search: next.search || null,
      status: next.statuses.join(',') || null,
      kind: next.behavior || null,
      tags: next.tags.join(' ') || null,
      group: next.group || null,
      offset: null,
    })
  const sortBy = (next: Sort) =>
    setParams({ sort: `${next.by} ${next.direction}`, offset: null })
  const total = page?.pagination.total_count ?? 0
  const picks = usePicks('compare')
  return (
    <>
    <Compare kind="workers" picks={picks} nameOf={namesOf(page, worker => worker.name)} />
    <section class="card" aria-label={texts.workers.title}>
      <header>
        <h2>{texts.workers.title}</h2>
        <Filters {...{ filter, labels }} counts={counts.answer?.body ?? null} onChange={change} />
      </header>
      {page ? (
        <>
          <Rows {...{ page, sort, ofMiners, total, picks, filter }} onSort={sortBy} onFilter={change} />
          <ListFoot
            what="workers"
            asked={shown}
            {...{ offset, limit, total, rows }}
            onOffset={setAt}
            onRows={size => (setRows(size), setAt('0'))}
          />
          {labelled && (
            <LabelEdit
              {...{ path, total }}
              asked={shown}
              picked={picks.ids}
              counts={labels}
              onDone={() => setTagged(tagged + 1)}
            />
          )}
        </>
      ) : (
        <Waiting error={error} />
      )}
    </section>
    </>
  )
}

function isFiltered({ search, statuses, behavior, tags, group }: Filter): boolean {
  return search !== '' || statuses.length > 0 || behavior !== '' || tags.length > 0 || group !== ''
}

function query(sort: Sort, filter: Filter, offset: number, limit: number): string {
  const parameters = new URLSearchParams({
    limit: String(limit),
    offset: String(offset),
    'sort-by': sort.by,
    'sort-direction': sort.direction,
  })
  for (const status of filter.statuses) parameters.append('status', status)
  if (filter.behavior) parameters.set('behavior', filter.behavior)
  for (const tag of filter.tags) parameters.append('tag', tag)
  if (filter.group) parameters.set('group', filter.group)
  if (filter.search) parameters.set('search', filter.search)
  return parameters.toString()
}

type FiltersProps = {
  filter: Filter
  counts: StatusCounts | null
  labels: LabelCounts | null
  onChange: (filter: Filter) => void
}

function Filters({ filter, counts, labels, onChange }: FiltersProps) {
  return (
    <div class="filters">
      <SearchField value={filter.search} onChange={search => onChange({ ...filter, search })} />
      <StatusChoice chosen={filter.statuses} counts={counts} onChange={statuses => onChange({ ...filter, statuses })} />
      <select
        aria-label={texts.workers.behavior}
        value={filter.behavior}
        onChange={event => onChange({ ...filter, behavior: event.currentTarget.value })}
      >
        <option value="">{texts.workers.allKinds}</option>
        <option value="hardware">{texts.workers.behaviors.hardware}</option>
        <option value="boundary">{texts.workers.behaviors.boundary}</option>
      </select>
      <LabelChoice filter={filter} counts={labels} onChange={next => onChange({ ...filter, ...next })} />
    </div>
  )
}

type RowsProps = {
  page: Page<Worker>
  sort: Sort
  ofMiners: boolean
  total: number
  filter: Filter
  onSort: (sort: Sort) => void
  onFilter: (filter: Filter) => void
  picks: Picks
}

function Rows({ page, sort, ofMiners, total, filter, onSort, onFilter, picks }: RowsProps) {
  const ids = page.data.map(worker => `id=${worker.id}`).join('&')
  const { answer } = usePolled<ChartOfMany>(ids ? `/workers/charts?period=PT1H&${ids}` : null)
  const charts = useLast(answer?.body.data ?? null) ?? {}
  if (page.data.length === 0)
    return (
      <p class="empty">
        {total > 0
          ? texts.workers.emptyPage
          : isFiltered(filter)
            ? texts.workers.noMatch
            : texts.workers.none}
      </p>
    )
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={texts.workers.table}>
      <table>
        <thead>
          <tr>
            {COLUMNS.map(column => <SortHeader key={column.by} column={column} sort={sort} onSort={onSort} />)}
            <th scope="col">{texts.workers.lastHour}</th>
            <th scope="col" class="number">{texts.workers.lastShare}</th>
          </tr>
        </thead>
        <tbody>
          {page.data.map(worker => (
            <tr key={worker.id}>
              <th scope="row">
                <Pick id={worker.id} name={worker.name} picks={picks} />
                <a href={workerHref(worker.id)}><Name>{worker.name}</Name></a>
                {ofMiners && (
                  <a class="of muted" href={minerHref(worker.miner.id)}><Name>{worker.miner.account_name}</Name></a>
                )}
                {worker.behavior === 'boundary' && <span class="badge" title={texts.workers.boundaryHint}>{texts.workers.behaviors.boundary}</span>}
                {worker.labels && (
                  <RowLabels labels={worker.labels} filter={filter} onChange={next => onFilter({ ...filter, ...next })} />
                )}
              </th>
              <td><StatusMark status={worker.status} /> <LowMark normal={worker.normal} /></td>
              {SHOWN_WINDOWS.map(window => (
                <td key={window} class="number">
                  <WarmingUp window={window} since={worker.created_at} />{' '}
                  <Hashrate value={worker.stats[window].hashrate} />
                </td>
              ))}
              <td class="number" title={exactHashrate(worker.stats['15m'].rejectrate)}>
                {percent(rejectPercent(worker.stats['15m']))}
              </td>
              <td><Sparkline points={charts[worker.id]?.points} /></td>
              <td class="number"><Ago iso={worker.last_share_at} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
