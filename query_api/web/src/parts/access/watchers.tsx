// Watcher links: made, copied, revoked. Whoever has one sees the miner without signing in.

import { useState } from 'preact/hooks'
import { send } from '../../service/api'
import { useAction, usePolled } from '../../hooks'
import { useParam } from '../../route'
import type { Watcher } from '../../answers/sharing'
import { texts } from '../../text'
import type { Page } from '../../answers/figures'
import { Ago } from '../figures'
import { ConfirmButton, CopyButton, Trouble } from '../form'
import { Name } from '../name'
import { Pager } from '../lists/pager'
import { Waiting } from '../refusal'

const LIMIT = 10

/** `path` is that of the list: `/miners/…/watchers`. */
export function Watchers({ path }: { path: string }) {
  const [at, setAt] = useParam('links', '0')
  const [title, setTitle] = useState('')
  const [payments, setPayments] = useState(false)
  const action = useAction()
  const offset = Math.max(0, Number(at) || 0)
  const { answer, error } = usePolled<Page<Watcher>>(`${path}?limit=${LIMIT}&offset=${offset}`, action.done)
  const create = () =>
    action.run(async () => {
      await send('POST', path, { title: title.trim() || null, extra_permissions: payments ? ['accountant'] : [] })
      setTitle('')
      setPayments(false)
    })
  const links = answer?.body
  return (
    <section class="card" aria-label={texts.sharing.links}>
      <h2>{texts.sharing.links}</h2>
      <p class="hint">{texts.sharing.linksHint}</p>
      {!links && <Waiting error={error} />}
      <ul class="entries">
        {links?.data.map(watcher => (
          <li key={watcher.id}>
            <span>
              <strong><Name>{watcher.title}</Name></strong>{' '}
              <span class="muted">
                {watcher.extra_permissions.includes('accountant') && `${texts.sharing.withPayments}, `}<Ago iso={watcher.created_at} prefix={texts.sharing.made} />
              </span>
              <code class="of name">{linkOf(watcher)}</code>
            </span>
            <span class="filters">
              <CopyButton text={linkOf(watcher)} />
              <ConfirmButton
                label={texts.sharing.revoke}
                sure={texts.sharing.revokeSure}
                disabled={action.busy}
                onConfirm={() => action.run(() => send('DELETE', `${path}/${watcher.id}`))}
              />
            </span>
          </li>
        ))}
      </ul>
      {links && (links.pagination.total_count > LIMIT || offset > 0) && (
        <Pager what="links" offset={offset} limit={LIMIT} total={links.pagination.total_count} onOffset={to => setAt(String(to))} />
      )}
      <form class="change" onSubmit={event => (event.preventDefault(), create())}>
        <label>
          {texts.sharing.whom}
          <input maxLength={300} value={title} onInput={event => setTitle(event.currentTarget.value)} />
        </label>
        <label class="check">
          <input type="checkbox" checked={payments} onChange={event => setPayments(event.currentTarget.checked)} />
          {texts.sharing.showsPayments}
        </label>
        <button type="submit" disabled={action.busy}>{texts.sharing.makeLink}</button>
      </form>
      <Trouble action={action} />
    </section>
  )
}

function linkOf({ token }: Watcher): string {
  return `${location.origin}${location.pathname}#watch=${token}`
}
