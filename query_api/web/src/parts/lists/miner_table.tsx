// All miners of a pool or an operator: sorted, filtered, searched and paged by the API, with how many
// workers each has in which status. What is chosen stands in the address.

import { exactHashrate, percent, rejectPercent } from '../../format'
import { useLast, usePolled, useSettled } from '../../hooks'
import { minerHref, setParams, useParam } from '../../route'
import { texts } from '../../text'
import { count } from '../../text/numbers'
import { type MinerOfList, type Page, type Stats, STATUSES, type StatusCounts } from '../../answers/figures'
import { Compare, type Picks, usePicks } from '../charts/compare'
import { Hashrate } from '../figures'
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

const SHOWN_STATUSES = STATUSES.slice(0, 3)
const SHOWN_WINDOWS = ['15m', '1h', '1d'] as const

const NAMES: Column[] = [
  { title: texts.workers.miner, by: 'account_name', first: 'asc' },
  { title: texts.workers.title, by: 'workers', first: 'desc' },
]
const RATES: Column[] = [
  { title: texts.spans['15m'], by: 'hash_rate_15m', first: 'desc' },
  { title: texts.spans['1h'], by: 'hash_rate_1h', first: 'desc' },
  { title: texts.spans['1d'], by: 'hash_rate_24h', first: 'desc' },
  { title: texts.workers.rejected15m, by: 'reject_pct_15m', first: 'desc' },
]

/** `path` is that of the list: `/pools/…/miners`. */
export function MinerTable({ path }: { path: string }) {
  const [at, setAt] = useParam('miners', '0')
  const [sorted] = useParam('miner-sort', 'account_name asc')
  const [typed] = useParam('miner-search', '')
  const [chosen] = useParam('miner-status', '')
  const [rows] = useParam('miner-rows', ROWS)
  const [by = '', direction = 'asc'] = sorted.split(' ')
  const sort = { by, direction } as Sort
  const statuses = STATUSES.filter(status => chosen.split(',').includes(status))
  const search = useSettled(typed, 250)
  const limit = Number(rows) || Number(ROWS)
  const offset = Math.max(0, Number(at) || 0)
  const asked = new URLSearchParams({
    limit: String(limit),
    offset: String(offset),
    'sort-by': by,
    'sort-direction': direction,
    ...(search && { search }),
  })
  for (const status of statuses) asked.append('status', status)
  const shown = `${path}?${asked}`
  const { answer, error } = usePolled<Page<MinerOfList>>(shown)
  const counts = usePolled<StatusCounts>(`${path}/stats`)
  const page = useLast(answer?.body ?? null)
  const picks = usePicks('compare-miners')
  const change = (name: string, value: string) => setParams({ [name]: value || null, miners: null })
  // Whoever may not read the list sees the rest of the page.
  if (error && !error.passing && !page) return null
  const total = page?.pagination.total_count ?? 0
  return (
    <>
      <Compare kind="miners" picks={picks} nameOf={namesOf(page, miner => miner.title ?? miner.account_name)} />
      <section class="card" aria-label={texts.workers.miners}>
        <header>
          <h2>{texts.workers.miners}</h2>
          <div class="filters">
            <SearchField value={typed} onChange={value => change('miner-search', value)} />
            <StatusChoice
              chosen={statuses}
              counts={counts.answer?.body ?? null}
              onChange={next => change('miner-status', next.join(','))}
            />
          </div>
        </header>
        {page ? (
          <>
            <Rows
              {...{ page, sort, picks }}
              filtered={typed !== '' || statuses.length > 0}
              onSort={next => change('miner-sort', `${next.by} ${next.direction}`)}
            />
            <ListFoot
              what="miners"
              asked={shown}
              {...{ offset, limit, total, rows }}
              onOffset={setAt}
              onRows={size => change('miner-rows', size)}
            />
          </>
        ) : (
          <Waiting error={error} />
        )}
      </section>
    </>
  )
}

type RowsProps = {
  page: Page<MinerOfList>
  sort: Sort
  picks: Picks
  filtered: boolean
  onSort: (sort: Sort) => void
}

function Rows({ page, sort, picks, filtered, onSort }: RowsProps) {
  const ids = page.data.map(miner => `id=${miner.id}`).join('&')
  const { answer } = usePolled<Record<string, Stats>>(ids ? `/miners/stats?${ids}` : null)
  const stats = useLast(answer?.body ?? null) ?? {}
  if (page.data.length === 0) {
    const beyond = page.pagination.total_count > 0
    const none = filtered ? texts.workers.noMinerMatch : texts.workers.noMiner
    return <p class="empty">{beyond ? texts.workers.emptyPage : none}</p>
  }
  const header = (column: Column) => <SortHeader key={column.by} column={column} sort={sort} onSort={onSort} />
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={texts.workers.minerTable}>
      <table>
        <thead>
          <tr>
            {NAMES.map(header)}
            {SHOWN_STATUSES.map(status => <th key={status} scope="col" class="number">{texts.workers.statuses[status]}</th>)}
            {RATES.map(header)}
          </tr>
        </thead>
        <tbody>
          {page.data.map(miner => <Row key={miner.id} miner={miner} stats={stats[miner.id]} picks={picks} />)}
        </tbody>
      </table>
    </div>
  )
}

type RowProps = { miner: MinerOfList; stats: Stats | undefined; picks: Picks }

function Row({ miner, stats, picks }: RowProps) {
  const name = miner.title ?? miner.account_name
  return (
    <tr>
      <th scope="row">
        <Pick id={miner.id} name={name} picks={picks} />
        <a href={minerHref(miner.id)}><Name>{name}</Name></a>
      </th>
      <td class="number">{count(miner.workers.count)}</td>
      {SHOWN_STATUSES.map(status => {
        const workers = miner.workers.statuses[status] ?? 0
        return (
          <td key={status} class={`number status ${workers ? status : 'none'}`}>
            {workers ? <a href={`${minerHref(miner.id)}?status=${status}`}>{count(workers)}</a> : '0'}
          </td>
        )
      })}
      {SHOWN_WINDOWS.map(window => (
        <td key={window} class="number">{stats ? <Hashrate value={stats[window].hashrate} /> : '–'}</td>
      ))}
      <td class="number" title={stats && exactHashrate(stats['15m'].rejectrate)}>
        {stats ? percent(rejectPercent(stats['15m'])) : '–'}
      </td>
    </tr>
  )
}
