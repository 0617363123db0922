// Where a miner is paid to and from which amount on, and the forms that change it.

import { useState } from 'preact/hooks'
import { send } from '../../service/api'
import { useNow } from '../../clock'
import { btc, duration, utc } from '../../format'
import { useAction, usePolled } from '../../hooks'
import type { Validity, WalletAddress, WalletMinimum } from '../../answers/money'
import { filled, texts } from '../../text'
import { typedNumber } from '../../text/numbers'
import { Trouble } from '../form'

/** `mayChange`: the API refuses a change to everybody else. */
export function WalletCard({ id, mayChange }: { id: string; mayChange: boolean }) {
  return (
    <div class="columns">
      <Address path={`/wallets/${id}/addresses`} mayChange={mayChange} />
      <Minimum path={`/wallets/${id}/min-payments`} mayChange={mayChange} />
    </div>
  )
}

/** Entries come newest first: the one in force, and the coming one. */
function split<T extends Validity>(entries: T[], now: number): { current: T | undefined; coming: T | undefined } {
  const begun = (entry: T) => Date.parse(entry.valid_from) <= now
  return { current: entries.find(begun), coming: entries.filter(entry => !begun(entry)).at(-1) }
}

/** When it counts from, and how long that is away. */
function beginning(from: string, now: number): [time: string, away: string] {
  return [utc(from), duration((Date.parse(from) - now) / 1000)]
}

function Address({ path, mayChange }: { path: string; mayChange: boolean }) {
  const [typed, setTyped] = useState('')
  const action = useAction()
  const { answer, error } = usePolled<{ data: WalletAddress[] }>(path, action.done)
  const now = useNow()
  if (error && !error.passing) return null
  const { current, coming } = split(answer?.body.data ?? [], now)
  const change = () =>
    action.run(async () => {
      await send('POST', path, { address: typed.trim() })
      setTyped('')
    })
  return (
    <section class="card" aria-label={texts.money.address}>
      <h2>{texts.money.address}</h2>
      {answer && !current && !coming && <p>{texts.money.noAddress}</p>}
      {current && <p><code class="name">{current.address}</code></p>}
      {coming && (
        <>
          <p>{filled(texts.money.next, <code class="name">{coming.address}</code>)}</p>
          <p class="hint">{texts.money.nextHint(...beginning(coming.valid_from, now))}</p>
        </>
      )}
      {mayChange && (
        <form class="change" onSubmit={event => (event.preventDefault(), change())}>
          <label>
            {texts.money.newAddress}
            <input
              required
              maxLength={90}
              autocomplete="off"
              spellcheck={false}
              aria-invalid={action.trouble !== null}
              value={typed}
              onInput={event => setTyped(event.currentTarget.value)}
            />
          </label>
          <button type="submit" disabled={action.busy}>{texts.money.changeAddress}</button>
          <p class="hint">{texts.money.changeAddressHint}</p>
        </form>
      )}
      <Trouble action={action} />
      {!mayChange && <p class="hint">{texts.money.ownersChange}</p>}
    </section>
  )
}

function Minimum({ path, mayChange }: { path: string; mayChange: boolean }) {
  const [typed, setTyped] = useState('')
  const action = useAction()
  const { answer, error } = usePolled<{ data: WalletMinimum[] }>(path, action.done)
  const now = useNow()
  if (error && !error.passing) return null
  const { current, coming } = split(answer?.body.data ?? [], now)
  // As text: what was typed is what is kept, to the satoshi.
  const change = () =>
    action.run(async () => {
      await send('POST', path, { amount: typedNumber(typed) })
      setTyped('')
    })
  return (
    <section class="card" aria-label={texts.money.minimum}>
      <h2>{texts.money.minimum}</h2>
      {current && <p>{filled(texts.money.minimumNow, <span class="number">{btcOf(current.amount)}</span>)}</p>}
      {coming && (
        <p>
          {filled(
            amount => texts.money.minimumNext(amount, ...beginning(coming.valid_from, now)),
            <span class="number">{btcOf(coming.amount)}</span>,
          )}
        </p>
      )}
      {mayChange && (
        <form class="change" onSubmit={event => (event.preventDefault(), change())}>
          <label>
            {texts.money.newMinimum}
            <input
              required
              inputMode="decimal"
              autocomplete="off"
              aria-invalid={action.trouble !== null}
              value={typed}
              onInput={event => setTyped(event.currentTarget.value)}
            />
          </label>
          <button type="submit" disabled={action.busy}>{texts.money.changeMinimum}</button>
          <p class="hint">{texts.money.minimumHint(btc('0.001'))}</p>
        </form>
      )}
      <Trouble action={action} />
    </section>
  )
}

/** 0.00001 without an exponent, at most the eight digits that there are. */
function btcOf(amount: number): string {
  return btc(amount.toFixed(8).replace(/0+$/, '').replace(/\.$/, ''))
}
