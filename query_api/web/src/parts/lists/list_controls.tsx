// What lists have in common: a search, headers that sort, statuses with their counts, rows that are
// selected, and a foot with pages and files.

import { type Page, STATUSES, type Status, type StatusCounts } from '../../answers/figures'
import { texts } from '../../text'
import { count } from '../../text/numbers'
import type { Picks } from '../charts/compare'
import { Save } from '../charts/save'
import { Pager } from './pager'

const PAGES = ['10', '25', '50', '100'] as const
export const ROWS = '25'

export type Sort = { by: string; direction: 'asc' | 'desc' }
export type Column = { title: string; by: string; first: Sort['direction'] }

type HeaderProps = { column: Column; sort: Sort; onSort: (sort: Sort) => void }

export function SortHeader({ column, sort, onSort }: HeaderProps) {
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

type StatusProps = {
  chosen: Status[]
  counts: StatusCounts | null
  onChange: (statuses: Status[]) => void
}

export function StatusChoice({ chosen, counts, onChange }: StatusProps) {
  const toggle = (status: Status) =>
    onChange(chosen.includes(status) ? chosen.filter(other => other !== status) : [...chosen, status])
  return (
    <div class="tabs" role="group" aria-label={texts.workers.status}>
      {STATUSES.map(status => (
        <button type="button" key={status} aria-pressed={chosen.includes(status)} onClick={() => toggle(status)}>
          {texts.workers.statuses[status]}
          {counts && <span class="count"> {count(counts[status] ?? 0)}</span>}
        </button>
      ))}
    </div>
  )
}

export function SearchField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <input
      type="search"
      placeholder={texts.workers.search}
      aria-label={texts.workers.searchLabel}
      value={value}
      onInput={event => onChange(event.currentTarget.value)}
    />
  )
}

/** Takes a row into the chart above the list. */
export function Pick({ id, name, picks }: { id: string; name: string; picks: Picks }) {
  return (
    <input
      type="checkbox"
      class="pick"
      aria-label={texts.workers.compare(name)}
      checked={picks.ids.includes(id)}
      onChange={() => picks.toggle(id)}
    />
  )
}

/** A name for an id of this page; one that is on another page keeps the beginning of its id. */
export function namesOf<Item extends { id: string }>(page: Page<Item> | null, nameOf: (item: Item) => string) {
  const names = new Map(page?.data.map(item => [item.id, nameOf(item)]))
  return (id: string) => names.get(id) ?? id.slice(0, 8)
}

type FootProps = {
  what: 'miners' | 'workers'
  /** What was asked for this page. */
  asked: string
  offset: number
  limit: number
  total: number
  rows: string
  onOffset: (offset: string) => void
  onRows: (rows: string) => void
}

export function ListFoot({ what, asked, offset, limit, total, rows, onOffset, onRows }: FootProps) {
  return (
    <footer class="list-foot">
      <Pager {...{ what, offset, limit, total }} onOffset={to => onOffset(String(to))} />
      <RowsChoice rows={rows} onChange={onRows} />
      {total > 0 && <Save path={asked} name={what} />}
    </footer>
  )
}

function RowsChoice({ rows, onChange }: { rows: string; onChange: (rows: string) => void }) {
  return (
    <label class="muted">{texts.page.rows}{' '}
      <select value={rows} onChange={event => onChange(event.currentTarget.value)}>
        {PAGES.map(size => <option key={size}>{size}</option>)}
      </select>
    </label>
  )
}
