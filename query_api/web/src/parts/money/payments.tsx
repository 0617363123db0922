// Payments of a miner: by type, paged, as a file, and one of them opened.

import { download } from '../../service/api'
import { hashrate, utcDay } from '../../format'
import { useAction, useLast, usePolled } from '../../hooks'
import type { Payment } from '../../answers/money'
import { hrefWith, setParams, useParam } from '../../route'
import { textOf, texts } from '../../text'
import { exact } from '../../text/numbers'
import type { Page } from '../../answers/figures'
import { Trouble } from '../form'
import { Pager } from '../lists/pager'
import { Waiting } from '../refusal'

const LIMIT = 25

/** `path` is that of the list: `/miners/…/payments`. */
export function Payments({ path, name }: { path: string; name: string }) {
  const [type] = useParam('type', '')
  const [at, setAt] = useParam('offset', '0')
  const [opened] = useParam('payment', '')
  const saving = useAction()
  const offset = Math.max(0, Number(at) || 0)
  const types = type ? `&type=${type}` : ''
  const { answer, error } = usePolled<Page<Payment>>(`${path}?limit=${LIMIT}&offset=${offset}${types}`)
  const page = useLast(answer?.body ?? null)
  const save = () => download(`${path}/csv?${types.slice(1)}`, `${name}-payments.csv`, 'text/csv')
  return (
    <section class="card" aria-label={texts.money.payments}>
      <header>
        <h2>{texts.money.payments}</h2>
        <div class="filters">
          <select
            aria-label={texts.money.type}
            value={type}
            onChange={event => setParams({ type: event.currentTarget.value || null, offset: null })}
          >
            <option value="">{texts.money.allTypes}</option>
            {Object.entries(texts.money.types).map(([value, title]) => <option key={value} value={value}>{title}</option>)}
          </select>
          <button type="button" title={texts.money.csvHint} disabled={saving.busy} onClick={() => saving.run(save)}>
            {texts.money.csv}
          </button>
        </div>
      </header>
      <Trouble action={saving} />
      {!page && <Waiting error={error} />}
      {page?.data.length === 0 && <p class="empty">{type ? texts.money.noneOfType : texts.money.none}</p>}
      {page && page.data.length > 0 && <Table payments={page.data} opened={opened} />}
      {page && page.pagination.total_count > 0 && (
        <Pager what="payments" offset={offset} limit={LIMIT} total={page.pagination.total_count} onOffset={to => setAt(String(to))} />
      )}
    </section>
  )
}

function Table({ payments, opened }: { payments: Payment[]; opened: string }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={texts.money.table}>
      <table>
        <thead>
          <tr>
            <th scope="col">{texts.money.day}</th>
            <th scope="col" class="number">BTC</th>
            <th scope="col">{texts.money.type}</th>
            <th scope="col" class="number">{texts.figures.hashrate}</th>
            <th scope="col">{texts.money.status}</th>
            <th scope="col">{texts.money.note}</th>
          </tr>
        </thead>
        <tbody>
          {payments.map(payment => (
            <tr key={payment.id}>
              <th scope="row">
                <a
                  class="in-text"
                  href={hrefWith('payment', payment.id)}
                  {...(payment.id === opened && { 'aria-current': 'true' as const })}
                >
                  {utcDay(payment.effective_at)}
                </a>
              </th>
              <td class="number">{amountOf(payment)}</td>
              <td>{texts.money.types[payment.type]}</td>
              <td class="number">{payment.metadata.hashrate ? hashrate(payment.metadata.hashrate) : ''}</td>
              <td>{textOf(texts.money.statuses, payment.status)}</td>
              <td><Note {...payment.metadata} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Note({ tx_hash, corrects, description }: Payment['metadata']) {
  if (tx_hash) return <code title={tx_hash}>{tx_hash.slice(0, 12)}…</code>
  return <>{corrects ? texts.money.corrects : (description ?? '')}</>
}

export function amountOf({ direction, amount }: { direction: string; amount: string }): string {
  return direction === 'outgoing' ? `−${exact(amount)}` : `+${exact(amount)}`
}

