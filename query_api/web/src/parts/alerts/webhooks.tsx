// Webhooks of a miner: added, tested, switched off, removed, with what became of their deliveries.

import { useState } from 'preact/hooks'
import { send } from '../../service/api'
import { useAction, usePolled } from '../../hooks'
import type { Delivery, Webhook, WebhookWithSecret } from '../../answers/sharing'
import { textOf, texts } from '../../text'
import type { Page } from '../../answers/figures'
import { Ago } from '../figures'
import { ConfirmButton, CopyButton, Trouble } from '../form'
import { Waiting } from '../refusal'

/** `path` is that of the list: `/miners/…/webhooks`. */
export function Webhooks({ path }: { path: string }) {
  const [url, setUrl] = useState('')
  const [made, setMade] = useState<WebhookWithSecret | null>(null)
  const action = useAction()
  const { answer, error } = usePolled<{ data: Webhook[] }>(path, action.done)
  const create = () =>
    action.run(async () => {
      setMade(await send<WebhookWithSecret>('POST', path, { url: url.trim() }))
      setUrl('')
    })
  return (
    <section class="card" aria-label={texts.sharing.webhooks}>
      <h2>{texts.sharing.webhooks}</h2>
      <p class="hint">{texts.sharing.webhooksHint}</p>
      {!answer && <Waiting error={error} />}
      <ul class="entries">
        {answer?.body.data.map(webhook => <Entry key={webhook.id} webhook={webhook} path={`${path}/${webhook.id}`} onChange={action.run} />)}
      </ul>
      {made && <Secret title={texts.sharing.secretOf(made.url)} text={made.secret} />}
      <form class="change" onSubmit={event => (event.preventDefault(), create())}>
        <label>
          {texts.sharing.webhookAddress}
          <input type="url" required maxLength={2000} placeholder="https://" value={url} onInput={event => setUrl(event.currentTarget.value)} />
        </label>
        <button type="submit" disabled={action.busy}>{texts.sharing.addWebhook}</button>
      </form>
      <Trouble action={action} />
    </section>
  )
}

/** Shown now and never again. */
export function Secret({ title, text }: { title: string; text: string }) {
  return (
    <div class="secret" role="status">
      <p>{texts.sharing.shownOnce(title)}</p>
      <p><code class="name">{text}</code> <CopyButton text={text} /></p>
    </div>
  )
}

type EntryProps = { webhook: Webhook; path: string; onChange: (work: () => Promise<unknown>) => void }

function Entry({ webhook, path, onChange }: EntryProps) {
  const testing = useAction()
  return (
    <li>
      <span>
        <code class="name">{webhook.url}</code>
        {!webhook.enabled && <span class="badge">{texts.sharing.switchedOff}</span>}
        <Trouble action={testing} />
        {testing.done > 0 && <span class="of muted" role="status">{texts.sharing.testSent}</span>}
        <Deliveries path={`${path}/deliveries`} version={testing.done} onRetry={testing.run} />
      </span>
      <span class="filters">
        <button type="button" disabled={testing.busy || !webhook.enabled} onClick={() => testing.run(() => send('POST', `${path}/test`))}>
          {texts.sharing.test}
        </button>
        <button type="button" onClick={() => onChange(() => send('PATCH', path, { enabled: !webhook.enabled }))}>
          {webhook.enabled ? texts.sharing.switchOff : texts.sharing.switchOn}
        </button>
        <ConfirmButton label={texts.sharing.remove} sure={texts.sharing.removeSure} onConfirm={() => onChange(() => send('DELETE', path))} />
      </span>
    </li>
  )
}

const SHOWN_DELIVERIES = 3

type DeliveriesProps = { path: string; version: number; onRetry: (work: () => Promise<unknown>) => void }

function Deliveries({ path, version, onRetry }: DeliveriesProps) {
  const { answer } = usePolled<Page<Delivery>>(`${path}?limit=${SHOWN_DELIVERIES}`, version)
  return (
    <>
      {answer?.body.data.map(({ id, status, attempts, last_error, created_at }) => (
        <span key={id} class="of">
          <span class={status === 'failed' ? 'wrong' : 'muted'}>
            {textOf(texts.sharing.deliveries, status)} <Ago iso={created_at} />{attempts > 1 && `, ${texts.sharing.attempts(attempts)}`}{last_error && `: ${last_error}`}
          </span>
          {status === 'failed' && (
            <button type="button" onClick={() => onRetry(() => send('POST', `${path}/${id}/retry`))}>{texts.sharing.retry}</button>
          )}
        </span>
      ))}
    </>
  )
}
