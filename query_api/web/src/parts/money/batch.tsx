// One payout batch: who is paid and who is not, its transactions, and what was done by whom.

import { bothTimes, btc, utcMinute } from '../../format'
import { type Action, usePolled } from '../../hooks'
import type { WholeBatch } from '../../answers/money'
import { setParams } from '../../route'
import { filled, textOf, texts } from '../../text'
import { exact } from '../../text/numbers'
import { BatchSteps } from './batch_steps'
import { Name } from '../name'
import { Waiting } from '../refusal'

export function BatchCard({ path, action }: { path: string; action: Action }) {
  const { answer, error } = usePolled<WholeBatch>(path, action.done)
  const batch = answer?.body
  return (
    <section class="card" aria-label={texts.payouts.one}>
      <header>
        <h2>{batch ? texts.payouts.batchIn(textOf(texts.payouts.states, batch.state)) : texts.payouts.one}</h2>
        <button type="button" onClick={() => setParams({ batch: null })}>{texts.page.close}</button>
      </header>
      {!batch && (error && !error.passing ? <p class="empty">{error.message}</p> : <Waiting error={error} />)}
      {batch && (
        <>
          <p>
            {filled(amount => texts.payouts.paidTo(amount, batch.payees), <strong class="number">{btc(batch.amount)}</strong>)},{' '}
            {texts.payouts.confirmationsOf(batch.confirmations)}
          </p>
          {batch.stopped && <p class="wrong">▲ {texts.payouts.stopped(batch.stopped)}</p>}
          <p class="hint">{texts.payouts.list} <code class="name">{batch.list_hash}</code></p>
          <BatchSteps batch={batch} path={path} action={action} />
          <Items items={batch.items} />
          {batch.not_paid.length > 0 && <NotPaid left={batch.not_paid} />}
          {batch.transactions.length > 0 && <Transactions transactions={batch.transactions} />}
          <Steps steps={batch.steps} />
        </>
      )}
    </section>
  )
}

function Items({ items }: { items: WholeBatch['items'] }) {
  return (
    <>
      <h3>{texts.payouts.paid}</h3>
      <div class="scroll long" tabIndex={0} role="region" aria-label={texts.payouts.whoIsPaid}>
        <table>
          <thead>
            <tr><th scope="col">{texts.payouts.payee}</th><th scope="col" class="number">BTC</th><th scope="col">{texts.payouts.address}</th></tr>
          </thead>
          <tbody>
            {items.map(({ payee, address, amount }) => (
              <tr key={payee}>
                <th scope="row"><Name>{payee}</Name></th>
                <td class="number">{exact(amount)}</td>
                <td><code>{address}</code></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}

function NotPaid({ left }: { left: WholeBatch['not_paid'] }) {
  return (
    <>
      <h3>{texts.payouts.notPaid}</h3>
      <div class="scroll long" tabIndex={0} role="region" aria-label={texts.payouts.whoIsNot}>
        <table>
          <thead>
            <tr><th scope="col">{texts.payouts.payee}</th><th scope="col" class="number">BTC</th><th scope="col">{texts.payouts.whyNot}</th></tr>
          </thead>
          <tbody>
            {left.map(({ payee, amount, reason }) => (
              <tr key={payee}>
                <th scope="row"><Name>{payee}</Name></th>
                <td class="number">{exact(amount)}</td>
                <td>{textOf(texts.payouts.reasons, reason)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}

function Transactions({ transactions }: { transactions: WholeBatch['transactions'] }) {
  return (
    <>
      <h3>{texts.payouts.transactions}</h3>
      {transactions.map(({ txid, version, state, fee, fee_rate, confirmations }) => (
        <p key={txid}>
          <code class="name">{txid}</code>
          <span class="muted">
            {' '}{texts.payouts.transaction(version, textOf(texts.payouts.states, state), btc(fee), fee_rate)},{' '}
            {texts.payouts.confirmationsOf(confirmations)}
          </span>
        </p>
      ))}
    </>
  )
}

function Steps({ steps }: { steps: WholeBatch['steps'] }) {
  return (
    <>
      <h3>{texts.payouts.steps}</h3>
      <ol class="transitions">
        {steps.map(({ at, step, by, detail }, index) => (
          <li key={index}>
            <time class="muted" dateTime={at} title={bothTimes(at)}>{utcMinute(at)}</time>
            <span>{filled(texts.payouts.by, <strong>{textOf(texts.payouts.stepNames, step)}</strong>, <Name>{by}</Name>)}{detail && <span class="muted name">: {detail}</span>}</span>
          </li>
        ))}
      </ol>
    </>
  )
}
