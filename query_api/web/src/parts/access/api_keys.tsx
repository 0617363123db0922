// The caller's own API keys: made, shown once, revoked.

import { useState } from 'preact/hooks'
import { send } from '../../service/api'
import { credential } from '../../service/credentials'
import { useAction, usePolled } from '../../hooks'
import type { ApiKey } from '../../answers/sharing'
import { textOf, texts } from '../../text'
import { Ago } from '../figures'
import { ConfirmButton, Trouble } from '../form'
import { Name } from '../name'
import { Waiting } from '../refusal'
import { Secret } from '../alerts/webhooks'

const ROLES = ['viewer', 'accountant', 'treasurer', 'admin'] as const

/** `miner` is what a new key can be limited to. */
export function ApiKeys({ user, miner }: { user: string; miner: string }) {
  const path = `/users/${user}/api-keys`
  const [title, setTitle] = useState('')
  const [role, setRole] = useState<string>('viewer')
  const [limited, setLimited] = useState(true)
  const [made, setMade] = useState<string | null>(null)
  const action = useAction()
  // A key makes no other keys: whoever found one could keep the door open.
  const person = credential() === null
  const { answer, error } = usePolled<{ data: ApiKey[] }>(path, action.done)
  const create = () =>
    action.run(async () => {
      const entities = limited ? [{ type: 'miner', id: miner }] : null
      const shown = await send<{ key: string }>('POST', path, { title: title.trim(), role: role || null, entities })
      setMade(shown!.key)
      setTitle('')
    })
  return (
    <section class="card" aria-label={texts.sharing.keys}>
      <h2>{texts.sharing.keys}</h2>
      <p class="hint">{texts.sharing.keysHint}</p>
      {!answer && (error && !error.passing ? <p class="hint">{error.message}</p> : <Waiting error={error} />)}
      <ul class="entries">
        {answer?.body.data.map(key => (
          <li key={key.id}>
            <span>
              <strong><Name>{key.title}</Name></strong>{' '}
              <span class="muted">{scopeOf(key, miner)}, <Ago iso={key.created_at} prefix={texts.sharing.made} /></span>
            </span>
            {person && (
              <ConfirmButton
                label={texts.sharing.revoke}
                sure={texts.sharing.revokeSure}
                disabled={action.busy}
                onConfirm={() => action.run(() => send('DELETE', `${path}/${key.id}`))}
              />
            )}
          </li>
        ))}
      </ul>
      {made && <Secret title={texts.sharing.newKey} text={made} />}
      {person ? (
        <form class="change" onSubmit={event => (event.preventDefault(), create())}>
          <label>
            {texts.sharing.keyTitle}
            <input required maxLength={300} value={title} onInput={event => setTitle(event.currentTarget.value)} />
          </label>
          <label>
            {texts.sharing.keyRole}
            <select value={role} onChange={event => setRole(event.currentTarget.value)}>
              {ROLES.map(name => <option key={name} value={name}>{textOf(texts.access.roles, name)}</option>)}
              <option value="">{texts.sharing.keyAll}</option>
            </select>
          </label>
          <label class="check">
            <input type="checkbox" checked={limited} onChange={event => setLimited(event.currentTarget.checked)} />
            {texts.sharing.keyLimited}
          </label>
          <button type="submit" disabled={action.busy}>{texts.sharing.makeKey}</button>
        </form>
      ) : (
        <p class="hint">{texts.sharing.keysBySession}</p>
      )}
      <Trouble action={action} />
    </section>
  )
}

function scopeOf({ role, entities }: ApiKey, miner: string): string {
  const what = role ? textOf(texts.access.roles, role) : texts.sharing.keyAll
  if (entities === null) return what
  return entities.length === 1 && entities[0]!.id === miner ? texts.sharing.scopeMiner(what) : texts.sharing.scopeLimited(what)
}
