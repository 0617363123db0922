// One payment explained: the day's rate, what was deducted and by which rule, each worker's part, and
// why the day brought more or less than the one before.

import { btc, hashrate, signed, utcDay } from '../../format'
import { usePolled } from '../../hooks'
import type { Comparison, ExplainedPayment } from '../../answers/money'
import { setParams, useParam, workerHref } from '../../route'
import { filled, textOf, texts } from '../../text'
import { count, exact } from '../../text/numbers'
import { Name } from '../name'
import { Pager } from '../lists/pager'
import { amountOf } from './payments'
import { Waiting } from '../refusal'

const LIMIT = 25

export function PaymentCard({ path }: { path: string }) {
  const [at, setAt] = useParam('of', '0')
  const offset = Math.max(0, Number(at) || 0)
  const { answer, error } = usePolled<ExplainedPayment>(`${path}?limit=${LIMIT}&offset=${offset}`)
  const found = answer?.body
  const close = () => setParams({ payment: null, of: null })
  return (
    <section class="card" aria-label={texts.money.one}>
      <header>
        <h2>{found ? texts.money.oneOf(texts.money.types[found.payment.type], utcDay(found.payment.effective_at)) : texts.money.one}</h2>
        <button type="button" onClick={close}>{texts.page.close}</button>
      </header>
      {!found && (error && !error.passing ? <p class="empty">{error.message}</p> : <Waiting error={error} />)}
      {found && (
        <p>
          <strong class="number">{amountOf(found.payment)} BTC</strong>
          {found.counterparty && filled(texts.money.with, <Name>{found.counterparty.name}</Name>)}
        </p>
      )}
      {found?.payment.metadata.tx_hash && <p>{texts.money.transaction} <code class="name">{found.payment.metadata.tx_hash}</code></p>}
      {found && !found.settlement && found.payment.type !== 'payout' && <p class="hint">{texts.money.notOfWork}</p>}
      {found?.settlement && <Settlement {...found.settlement} offset={offset} onOffset={to => setAt(String(to))} />}
      {found?.payment.type === 'reward' && <WhyDifferent path={`${path}/comparison`} />}
    </section>
  )
}

type SettlementProps = NonNullable<ExplainedPayment['settlement']> & {
  offset: number
  onOffset: (offset: number) => void
}

function Settlement({ rate, amounts, before, version, limited, lines, workers, offset, onOffset }: SettlementProps) {
  const blocks = rate.blocks.length
  return (
    <>
      <p class="hint">
        {texts.money.rate(exact(rate.rate), rate.scheme === 'given' ? texts.money.byHand : rate.scheme.toUpperCase(), blocks)}
        {before && ` ${texts.money.corrected(version, btc(before.reward))}`}
        {limited && ` ${texts.money.limited}`}
      </p>
      <table class="plain">
        <tbody>
          {lines.map(({ type, amount, other_side, entry }, index) => (
            <tr key={index}>
              <th scope="row">
                {textOf(texts.money.lines, type)}
                {entry && ` (${exact(String(+(100 * entry.fee).toFixed(4)))} %)`}
                {other_side && <>: <Name>{other_side.name}</Name></>}
              </th>
              <td class="number">{type === 'gross' || type === 'referral' ? exact(amount) : `−${exact(amount)}`}</td>
            </tr>
          ))}
          <tr>
            <th scope="row"><strong>{texts.money.types.reward}</strong> {texts.money.rewardHint}</th>
            <td class="number"><strong>{exact(amounts.reward)}</strong></td>
          </tr>
        </tbody>
      </table>
      <div class="scroll" tabIndex={0} role="region" aria-label={texts.money.workersOfDay}>
        <table>
          <thead>
            <tr>
              <th scope="col">{texts.workers.worker}</th>
              <th scope="col" class="number">{texts.money.hashrateOfDay}</th>
              <th scope="col" class="number">{texts.money.minutes}</th>
              <th scope="col" class="number">{texts.money.beforeFees}</th>
            </tr>
          </thead>
          <tbody>
            {workers.data.map(worker => (
              <tr key={worker.id}>
                <th scope="row"><a href={workerHref(worker.id)}><Name>{worker.name}</Name></a></th>
                <td class="number">{hashrate(worker.hashrate)}</td>
                <td class="number">{count(worker.minutes)}</td>
                <td class="number">{exact(worker.gross)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Pager what="workers" offset={offset} limit={LIMIT} total={workers.pagination.total_count} onOffset={onOffset} />
    </>
  )
}

function WhyDifferent({ path }: { path: string }) {
  const { answer } = usePolled<Comparison>(path)
  // The first settled day has none before it.
  if (!answer) return null
  const { before, after, difference, parts } = answer.body
  const why = difference.startsWith('-') ? texts.money.whyLess : texts.money.whyMore
  return (
    <section aria-label={texts.money.why}>
      <h3>{why(utcDay(before.date))}</h3>
      <p>
        {filled(
          (was, is, differs) => texts.money.compared(utcDay(before.date), was, utcDay(after.date), is, differs),
          <span class="number">{exact(before.total)}</span>,
          <span class="number">{exact(after.total)}</span>,
          <strong class="number">{signed(difference)}</strong>,
        )}
      </p>
      <table class="plain">
        <tbody>
          {parts.map(({ part, amount }) => (
            <tr key={part} class={/^-?[0.]+$/.test(amount) ? 'none' : undefined}>
              <th scope="row">{textOf(texts.money.parts, part)}</th>
              <td class="number">{signed(amount)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
