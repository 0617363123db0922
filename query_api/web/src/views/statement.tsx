// A month of a miner's payments, with the balance before and after: a page that prints.

import { download } from '../service/api'
import { btc, utcDay, utcMonth } from '../format'
import { useAction, useLast, usePolled } from '../hooks'
import type { Payment, Statement } from '../answers/money'
import { Trouble } from '../parts/form'
import { Name } from '../parts/name'
import { amountOf } from '../parts/money/payments'
import { Refusal, Waiting } from '../parts/refusal'
import { MinerSections } from '../parts/sections'
import { minerHref, useParam } from '../route'
import { useReport, useTitle } from '../shell'
import { filled, texts } from '../text'
import type { Miner } from '../answers/figures'

export function StatementView({ id }: { id: string }) {
  const thisMonth = new Date().toISOString().slice(0, 7)
  const [month, setMonth] = useParam('month', thisMonth)
  const saving = useAction()
  const path = `/miners/${id}/statements/${encodeURIComponent(month)}`
  const miner = usePolled<Miner>(`/miners/${id}`)
  const { answer, error } = usePolled<Statement>(path)
  const statement = useLast(answer?.body ?? null)
  const shown = miner.answer?.body
  const name = shown?.title ?? shown?.account_name ?? texts.figures.miner
  useReport(miner)
  useTitle(shown && texts.money.statementOf(name, utcMonth(month)))
  if (miner.error && !miner.error.passing) return <Refusal error={miner.error} />
  const save = () => download(path, `${shown?.account_name ?? id}-${month}.csv`, 'text/csv')
  return (
    <>
      <h1>
        {filled(linked => texts.money.statementOf(linked, utcMonth(month)), <a href={minerHref(id)}><Name>{name}</Name></a>)}
      </h1>
      <MinerSections id={id} at="statement" />
      <section class="card statement" aria-label={texts.money.statement}>
        <div class="filters">
          <label>{texts.money.month}{' '}
            <input
              type="month"
              required
              min="2009-01"
              max={thisMonth}
              value={month}
              onChange={event => event.currentTarget.validity.valid && setMonth(event.currentTarget.value)}
            />
          </label>
          <button type="button" onClick={() => print()}>{texts.money.print}</button>
          <button type="button" disabled={saving.busy} onClick={() => saving.run(save)}>CSV</button>
        </div>
        <Trouble action={saving} />
        {error && !error.passing ? <p class="empty">{error.message}</p> : !statement && <Waiting error={error} />}
        {statement && !(error && !error.passing) && <Month statement={statement} />}
      </section>
    </>
  )
}

function Month({ statement }: { statement: Statement }) {
  return (
    <>
      <dl class="pockets">
        <Balance title={texts.money.opening} amount={statement.opening_balance} />
        {statement.totals.map(total => (
          <Balance key={`${total.type} ${total.direction}`} title={texts.money.types[total.type]} amount={amountOf(total)} />
        ))}
        <Balance title={texts.money.closing} amount={statement.closing_balance} />
      </dl>
      {statement.payments.length === 0 ? <p class="empty">{texts.money.noneInMonth}</p> : <Lines payments={statement.payments} />}
    </>
  )
}

function Balance({ title, amount }: { title: string; amount: string }) {
  return (
    <div>
      <dt class="muted">{title}</dt>
      <dd class="number">{btc(amount)}</dd>
    </div>
  )
}

function Lines({ payments }: { payments: Payment[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={texts.money.ofMonth}>
      <table>
        <thead>
          <tr>
            <th scope="col">{texts.money.booked}</th>
            <th scope="col">{texts.money.for}</th>
            <th scope="col">{texts.money.type}</th>
            <th scope="col" class="number">BTC</th>
            <th scope="col">{texts.money.note}</th>
          </tr>
        </thead>
        <tbody>
          {payments.map(payment => (
            <tr key={payment.id}>
              <th scope="row">{utcDay(payment.created_at)}</th>
              <td>{utcDay(payment.effective_at)}</td>
              <td>{texts.money.types[payment.type]}</td>
              <td class="number">{amountOf(payment)}</td>
              <td class="name">{payment.metadata.tx_hash ?? payment.metadata.description ?? ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
