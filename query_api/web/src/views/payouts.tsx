// A pool's payouts: money on hand, batches, and one of them with the steps that it waits for.

import { send } from '../service/api'
import { btc } from '../format'
import { useAction, useLast, usePolled } from '../hooks'
import { type Batch, type MoneyOnHand, POCKETS, type Requested } from '../answers/money'
import { BatchCard } from '../parts/money/batch'
import { Ago } from '../parts/figures'
import { ConfirmButton, Trouble } from '../parts/form'
import { Name } from '../parts/name'
import { Pager } from '../parts/lists/pager'
import { Refusal, Waiting } from '../parts/refusal'
import { PoolSections } from '../parts/sections'
import { hrefWith, poolHref, setParams, useParam } from '../route'
import { useReport, useTitle } from '../shell'
import { filled, texts } from '../text'
import { count, exact } from '../text/numbers'
import type { Page } from '../answers/figures'

const LIMIT = 10

export function PayoutsView({ id }: { id: string }) {
  const [opened] = useParam('batch', '')
  const [at, setAt] = useParam('offset', '0')
  const proposing = useAction()
  const stepping = useAction()
  const path = `/pools/${id}/payout-batches`
  const offset = Math.max(0, Number(at) || 0)
  const pool = usePolled<{ title: string }>(`/pools/${id}`)
  const list = usePolled<Page<Batch>>(`${path}?limit=${LIMIT}&offset=${offset}`, proposing.done + stepping.done)
  const page = useLast(list.answer?.body ?? null)
  const title = pool.answer?.body.title
  useReport(list)
  useTitle(title && texts.payouts.payoutsOf(title))
  const refusal = [pool.error, list.error].find(error => error && !error.passing)
  if (refusal) return <Refusal error={refusal} />
  const propose = async () => {
    const made = await send<Requested>('POST', path)
    if (made?.outcome) setParams({ batch: made.id, offset: null })
  }
  return (
    <>
      <h1>{filled(texts.payouts.payoutsOf, <a href={poolHref(id)}><Name>{title ?? texts.payouts.thePool}</Name></a>)}</h1>
      <PoolSections id={id} at="payouts" />
      <OnHand path={`${path}/money`} version={proposing.done + stepping.done} />
      {opened && <BatchCard key={opened} path={`${path}/${encodeURIComponent(opened)}`} action={stepping} />}
      <section class="card" aria-label={texts.payouts.batches}>
        <header>
          <h2>{texts.payouts.batches}</h2>
          <ConfirmButton
            label={texts.payouts.propose}
            sure={texts.payouts.proposeSure}
            disabled={proposing.busy}
            onConfirm={() => proposing.run(propose)}
          />
        </header>
        <Trouble action={proposing} />
        {!page && <Waiting error={list.error} />}
        {page?.data.length === 0 && <p class="empty">{texts.payouts.none}</p>}
        {page && page.data.length > 0 && <Batches batches={page.data} opened={opened} />}
        {page && page.pagination.total_count > 0 && (
          <Pager what="batches" offset={offset} limit={LIMIT} total={page.pagination.total_count} onOffset={to => setAt(String(to))} />
        )}
      </section>
    </>
  )
}

function OnHand({ path, version }: { path: string; version: number }) {
  const { answer, error } = usePolled<MoneyOnHand>(path, version)
  const money = answer?.body
  return (
    <section class="card" aria-label={texts.payouts.onHand}>
      <header>
        <h2>{texts.payouts.onHand}</h2>
        {money && <span class="muted"><Ago iso={money.seen_at} prefix={texts.payouts.seen} /></span>}
      </header>
      {!money && (error?.status === 404 ? (
        <p class="empty">{texts.payouts.notSeen}</p>
      ) : (
        <Waiting error={error} />
      ))}
      {money && Number(money.shortfall) !== 0 && (
        <p class="wrong">▲ {texts.payouts.missing(btc(money.shortfall))}</p>
      )}
      {money && Number(money.unaccounted) !== 0 && (
        <p class="wrong">
          ▲ {filled(command => texts.payouts.differ(btc(money.unaccounted), command), <code>hashgauge ledger check</code>)}
        </p>
      )}
      {money && (
        <dl class="pockets">
          {POCKETS.map(name => (
            <div key={name} title={texts.payouts.pocketHints[name]}>
              <dt class="muted">{texts.payouts.pockets[name]}</dt>
              <dd class="number">{btc(money[name])}</dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  )
}

function Batches({ batches, opened }: { batches: Batch[]; opened: string }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={texts.payouts.table}>
      <table>
        <thead>
          <tr>
            <th scope="col">{texts.payouts.proposed}</th>
            <th scope="col">{texts.payouts.state}</th>
            <th scope="col" class="number">BTC</th>
            <th scope="col" class="number">{texts.payouts.paid}</th>
            <th scope="col" class="number">{texts.payouts.notPaid}</th>
            <th scope="col" class="number">{texts.payouts.confirmations}</th>
          </tr>
        </thead>
        <tbody>
          {batches.map(batch => (
            <tr key={batch.id}>
              <th scope="row">
                <a
                  class="in-text"
                  href={hrefWith('batch', batch.id)}
                  {...(batch.id === opened && { 'aria-current': 'true' as const })}
                >
                  <Ago iso={batch.created_at} />
                </a>
              </th>
              <td>{batch.stopped && <span class="wrong" title={batch.stopped}>▲ {texts.payouts.stoppedMark}, </span>}{texts.payouts.states[batch.state]}</td>
              <td class="number">{exact(batch.amount)}</td>
              <td class="number">{count(batch.payees)}</td>
              <td class="number">{count(batch.left_out)}</td>
              <td class="number">{count(batch.confirmations)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
