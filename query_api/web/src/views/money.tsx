// A miner's money: what it has, what is coming, what was paid and why, where it goes.

import { credential } from '../service/credentials'
import { usePolled } from '../hooks'
import type { Amounts, Processing } from '../answers/money'
import { Name } from '../parts/name'
import { PaymentCard } from '../parts/money/payment'
import { Payments } from '../parts/money/payments'
import { Refusal } from '../parts/refusal'
import { MinerSections } from '../parts/sections'
import { WalletCard } from '../parts/money/wallet'
import { minerHref, useParam } from '../route'
import { useReport, useTitle } from '../shell'
import { filled, texts } from '../text'
import { exact } from '../text/numbers'
import type { Miner, Permission } from '../answers/figures'

export function MoneyView({ id }: { id: string }) {
  const [opened] = useParam('payment', '')
  const miner = usePolled<Miner>(`/miners/${id}`)
  const balance = usePolled<Amounts>(`/miners/${id}/balance`)
  const shown = miner.answer?.body
  const name = shown?.title ?? shown?.account_name ?? texts.figures.miner
  // A watcher link reads payments at most, never where they go.
  const wallet = credential()?.kind === 'watcher' ? undefined : shown?.wallets[0]
  const mayChange = useOwnRole(id)
  useReport(miner)
  useTitle(shown && texts.money.moneyOf(name))
  const refusal = [miner.error, balance.error].find(error => error && !error.passing)
  if (refusal) return <Refusal error={refusal} />
  return (
    <>
      <h1>{filled(texts.money.moneyOf, <a href={minerHref(id)}><Name>{name}</Name></a>)}</h1>
      <MinerSections id={id} at="money" />
      <Tiles id={id} balance={balance.answer?.body.data[0]?.amount} />
      {opened && <PaymentCard key={opened} path={`/miners/${id}/payments/${encodeURIComponent(opened)}`} />}
      <Payments path={`/miners/${id}/payments`} name={shown?.account_name ?? id} />
      {wallet && <WalletCard id={wallet} mayChange={mayChange} />}
    </>
  )
}

function Tiles({ id, balance }: { id: string; balance: string | undefined }) {
  const coming = usePolled<Processing>(`/miners/${id}/processing-earnings`).answer?.body.data[0]?.amounts
  const earned = usePolled<Amounts>(`/miners/${id}/earned-all-time`).answer?.body.data[0]?.amount
  return (
    <ul class="tiles">
      <Tile title={texts.money.balance} amount={balance} hint={texts.money.balanceHint} />
      <Tile title={texts.money.today} amount={coming?.today} hint={texts.money.todayHint} />
      <Tile title={texts.money.yesterday} amount={coming?.yesterday} hint={texts.money.yesterdayHint} />
      <Tile title={texts.money.allTime} amount={earned} hint={texts.money.allTimeHint} />
    </ul>
  )
}

function Tile({ title, amount, hint }: { title: string; amount: string | undefined; hint: string }) {
  return (
    <li class="card tile">
      <header><h2>{title}</h2></header>
      <p class="big number">{amount === undefined ? '…' : exact(amount)} <small>BTC</small></p>
      <p class="hint">{hint}</p>
    </li>
  )
}

/** Whether the caller is owner or admin of the miner itself, or the pool's own service. */
function useOwnRole(id: string): boolean {
  const watching = credential()?.kind === 'watcher'
  const user = usePolled<{ permissions: Permission[] }>(watching ? null : '/user')
  return (user.answer?.body.permissions ?? []).some(
    ({ type, id: on, roles }) =>
      type === 'platform' || (type === 'miner' && on === id && roles.some(role => role === 'owner' || role === 'admin')),
  )
}
