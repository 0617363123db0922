// What a batch waits for: approval, a transaction, a signature from elsewhere, the network.

import { useState } from 'preact/hooks'
import { get, saveFile, send } from '../../service/api'
import { btc } from '../../format'
import type { Action } from '../../hooks'
import type { BatchState, Requested, WholeBatch } from '../../answers/money'
import { texts } from '../../text'
import { ConfirmButton, Trouble } from '../form'

const CANCELLABLE: readonly BatchState[] = ['proposed', 'approved', 'built']

type Props = { batch: WholeBatch; path: string; action: Action }

export function BatchSteps({ batch, path, action }: Props) {
  const [waits, setWaits] = useState(false)
  const ask = (step: string, body?: object) =>
    action.run(async () => {
      const made = await send<Requested>('POST', `${path}/${step}`, body)
      setWaits(made?.outcome === null)
    })
  const { state } = batch
  const next = (texts.payouts.next as Partial<Record<BatchState, string>>)[state]
  const unsigned = batch.transactions.some(one => one.state === 'built')
  const sendable = state === 'signed' || batch.transactions.some(one => one.state === 'signed')
  return (
    <div class="steps">
      {next && <p>{next}</p>}
      <div class="filters">
        {state === 'proposed' && (
          <ConfirmButton
            label={texts.payouts.approve}
            sure={texts.payouts.approveSure(btc(batch.amount))}
            disabled={action.busy}
            onConfirm={() => ask('approve', { list_hash: batch.list_hash })}
          />
        )}
        {state === 'approved' && (
          <button type="button" disabled={action.busy} onClick={() => ask('build')}>{texts.payouts.build}</button>
        )}
        {unsigned && <SignElsewhere path={path} action={action} onSigned={psbt => ask('psbt', { psbt })} />}
        {sendable && (
          <ConfirmButton
            label={texts.payouts.broadcast}
            sure={texts.payouts.sendSure(btc(batch.amount))}
            disabled={action.busy}
            onConfirm={() => ask('broadcast')}
          />
        )}
        {state === 'broadcast' && !unsigned && <Bump busy={action.busy} onBump={fee_rate => ask('bump', { fee_rate })} />}
        {CANCELLABLE.includes(state) && (
          <ConfirmButton label={texts.payouts.cancel} sure={texts.payouts.cancelSure} disabled={action.busy} onConfirm={() => ask('cancel', {})} />
        )}
      </div>
      <Trouble action={action} />
      {waits && !action.trouble && <p class="hint" role="status">{texts.payouts.waits}</p>}
    </div>
  )
}

type SignProps = { path: string; action: Action; onSigned: (psbt: string) => void }

function SignElsewhere({ path, action, onSigned }: SignProps) {
  const save = () =>
    action.run(async () => {
      const { body } = await get<{ psbt: string }>(`${path}/psbt`)
      saveFile(new Blob([bytesOf(body.psbt)], { type: 'application/octet-stream' }), `${path.split('/').pop()}.psbt`)
    })
  const take = async (file: File | undefined) => file && onSigned(textOf(new Uint8Array(await file.arrayBuffer())))
  return (
    <>
      <button type="button" disabled={action.busy} onClick={save}>{texts.payouts.download}</button>
      <label class="file">{texts.payouts.upload}{' '}
        <input
          type="file"
          accept=".psbt,.txt"
          disabled={action.busy}
          onChange={event => {
            void take(event.currentTarget.files?.[0])
            event.currentTarget.value = ''
          }}
        />
      </label>
    </>
  )
}

function Bump({ busy, onBump }: { busy: boolean; onBump: (feeRate: number) => void }) {
  const [rate, setRate] = useState('')
  return (
    <form class="filters" onSubmit={event => (event.preventDefault(), onBump(Number(rate)))}>
      <input
        type="number"
        min="1"
        max="10000"
        required
        aria-label={texts.payouts.feeRate}
        placeholder="sat/vB"
        value={rate}
        onInput={event => setRate(event.currentTarget.value)}
      />
      <button type="submit" disabled={busy}>{texts.payouts.bump}</button>
    </form>
  )
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), letter => letter.charCodeAt(0))
}

/** A file of a signer holds the bytes themselves, or already base64. */
function textOf(file: Uint8Array): string {
  const letters = Array.from(file, byte => String.fromCharCode(byte)).join('')
  return letters.startsWith('psbt\xff') ? btoa(letters) : letters.trim()
}
