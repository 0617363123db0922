// A miner's workers: sorted, filtered, searched and paged by the API, so that 20,000 are no matter.

import { useState } from 'preact/hooks'
import { count, exactHashrate, percent, rejectPercent } from '../format'
import { useLast, usePolled, useSettled } from '../hooks'
import { workerHref } from '../route'
import { type ChartOfMany, type Page, STATUSES, type Status, type Worker } from '../types'
import { Ago, Hashrate, StatusMark, WarmingUp } from './figures'
import { Sparkline } from './sparkline'

const PAGE = 25
const NO_FILTER = { search: '', statuses: [] as Status[], behavior: '' }

type Sort = { by: string; direction: 'asc' | 'desc' }
type Filter = typeof NO_FILTER

const SHOWN_WINDOWS = ['15m', '1h', '1d'] as const

const COLUMNS = [
  { title: 'Worker', by: 'worker_name', first: 'asc' },
  { title: 'Status', by: 'default', first: 'asc' },
  { title: '15m', by: 'hash_rate_15m', first: 'desc' },
  { title: '1h', by: 'hash_rate_1h', first: 'desc' },
  { title: '1d', by: 'hash_rate_24h', first: 'desc' },
  { title: 'Rejected, 15m', by: 'reject_pct_15m', first: 'desc' },
] as const

export function WorkerTable({ minerId }: { minerId: string }) {
  const [sort, setSort] = useState<Sort>({ by: 'default', direction: 'asc' })
  const [filter, setFilter] = useState<Filter>(NO_FILTER)
  const [offset, setOffset] = useState(0)
  const search = useSettled(filter.search, 250)
  const { answer, error } = usePolled<Page<Worker>>(
    `/miners/${minerId}/workers?${query(sort, { ...filter, search }, offset)}`,
  )
  const page = useLast(answer?.body ?? null)
  const change = (next: Filter) => (setFilter(next), setOffset(0))
  const sortBy = (next: Sort) => (setSort(next), setOffset(0))
  return (
    <section class="card" aria-label="Workers">
      <header>
        <h2>Workers</h2>
        <Filters filter={filter} onChange={change} />
      </header>
      {page ? (
        <>
          <Rows page={page} sort={sort} onSort={sortBy} filtered={isFiltered(filter)} />
          <Pager page={page} onOffset={setOffset} />
        </>
      ) : (
        <p class="empty">{error ? error.message : 'Loading…'}</p>
      )}
    </section>
  )
}

function isFiltered({ search, statuses, behavior }: Filter): boolean {
  return search !== '' || statuses.length > 0 || behavior !== ''
}

function query(sort: Sort, filter: Filter, offset: number): string {
  const parameters = new URLSearchParams({
    limit: String(PAGE),
    offset: String(offset),
    'sort-by': sort.by,
    'sort-direction': sort.direction,
  })
  for (const status of filter.statuses) parameters.append('status', status)
  if (filter.behavior) parameters.set('behavior', filter.behavior)
  if (filter.search) parameters.set('search', filter.search)
  return parameters.toString()
}

function Filters({ filter, onChange }: { filter: Filter; onChange: (filter: Filter) => void }) {
  const toggle = (status: Status) =>
    onChange({
      ...filter,
      statuses: filter.statuses.includes(status)
        ? filter.statuses.filter(other => other !== status)
        : [...filter.statuses, status],
    })
  return (
    <div class="filters">
      <input
        type="search"
        placeholder="Search name"
        aria-label="Search by a part of the name"
        value={filter.search}
        onInput={event => onChange({ ...filter, search: event.currentTarget.value })}
      />
      <div class="tabs" role="group" aria-label="Status">
        {STATUSES.map(status => (
          <button type="button" key={status} aria-pressed={filter.statuses.includes(status)} onClick={() => toggle(status)}>
            {status}
          </button>
        ))}
      </div>
      <select
        aria-label="Behaviour"
        value={filter.behavior}
        onChange={event => onChange({ ...filter, behavior: event.currentTarget.value })}
      >
        <option value="">all kinds</option>
        <option value="hardware">hardware</option>
        <option value="boundary">boundary</option>
      </select>
    </div>
  )
}

type RowsProps = { page: Page<Worker>; sort: Sort; onSort: (sort: Sort) => void; filtered: boolean }

function Rows({ page, sort, onSort, filtered }: RowsProps) {
  const ids = page.data.map(worker => `id=${worker.id}`).join('&')
  const { answer } = usePolled<ChartOfMany>(ids ? `/workers/charts?period=PT1H&${ids}` : null)
  const charts = useLast(answer?.body.data ?? null) ?? {}
  if (page.data.length === 0)
    return (
      <p class="empty">
        {filtered ? 'No worker matches. Try fewer filters.' : 'No worker yet: one appears with its first share.'}
      </p>
    )
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Table of workers">
      <table>
        <thead>
          <tr>
            {COLUMNS.map(column => <SortHeader key={column.by} column={column} sort={sort} onSort={onSort} />)}
            <th scope="col">Last hour</th>
            <th scope="col" class="number">Last share</th>
          </tr>
        </thead>
        <tbody>
          {page.data.map(worker => (
            <tr key={worker.id}>
              <th scope="row">
                <a href={workerHref(worker.id)}>{worker.name}</a>
                {worker.behavior === 'boundary' && <span class="badge" title="Nominal hashrate on paper">boundary</span>}
              </th>
              <td><StatusMark status={worker.status} /></td>
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

type HeaderProps = { column: (typeof COLUMNS)[number]; sort: Sort; onSort: (sort: Sort) => void }

function SortHeader({ column, sort, onSort }: HeaderProps) {
  const active = sort.by === column.by
  const direction = active ? (sort.direction === 'asc' ? 'desc' : 'asc') : column.first
  return (
    <th
      scope="col"
      class={column.first === 'desc' ? 'number' : undefined}
      aria-sort={active ? (sort.direction === 'asc' ? 'ascending' : 'descending') : 'none'}
    >
      <button type="button" class="sort" onClick={() => onSort({ by: column.by, direction })}>
        {column.title}<span aria-hidden="true">{active ? (sort.direction === 'asc' ? '▲' : '▼') : ''}</span>
      </button>
    </th>
  )
}

function Pager({ page, onOffset }: { page: Page<Worker>; onOffset: (offset: number) => void }) {
  const { offset, total_count: total } = page.pagination
  if (total <= PAGE) return <p class="hint">{count(total)} workers</p>
  return (
    <nav class="pager" aria-label="Pages">
      <button type="button" disabled={offset === 0} onClick={() => onOffset(Math.max(0, offset - PAGE))}>
        ← Previous
      </button>
      <span>
        {count(offset + 1)}–{count(Math.min(offset + PAGE, total))} of {count(total)}
      </span>
      <button type="button" disabled={offset + PAGE >= total} onClick={() => onOffset(offset + PAGE)}>
        Next →
      </button>
    </nav>
  )
}
