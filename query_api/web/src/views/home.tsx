// Where to go: the pool, the miners that the caller may see, or the way in.

import { useEffect, useState } from 'preact/hooks'
import { keepApiKey, watcherToken } from '../api'
import { usePolled } from '../hooks'
import { Refusal } from '../parts/refusal'
import { minerHref, poolHref } from '../route'
import { useReport } from '../shell'
import type { MinerBrief, Page, Permission } from '../types'

export function HomeView() {
  const user = usePolled<{ user: object | null; permissions: Permission[] }>('/user')
  const permissions = user.answer?.body.permissions
  const only = permissions?.length === 1 ? hrefOf(permissions[0]!) : null
  useReport(user.error?.passing ? user : { answer: user.answer, error: null })
  useEffect(() => {
    // Whoever may see one thing only need not choose it.
    if (only) location.replace(only)
  }, [only])
  if (user.error && !user.error.passing)
    return user.error.status === 401 && !watcherToken() ? <SignIn /> : <Refusal error={user.error} />
  if (!permissions || only) return <p class="empty">Loading…</p>
  return (
    <>
      <h1>What you may see</h1>
      {permissions.length === 0 && (
        <p class="empty">
          {user.answer?.body.user
            ? 'No pool and no miner is open to you yet. Ask their owner for access.'
            : 'There is no pool yet: one appears with its first share.'}
        </p>
      )}
      {permissions.map(permission => <Entry key={permission.id} {...permission} />)}
    </>
  )
}

function hrefOf({ type, id }: Permission): string | null {
  if (type === 'operator') return null
  return type === 'pool' ? poolHref(id) : minerHref(id)
}

function Entry(permission: Permission) {
  const href = hrefOf(permission)
  if (href === null) return <OperatorMiners id={permission.id} />
  return <p class="card"><a href={href}>{permission.account_name ?? 'Pool'}</a></p>
}

function OperatorMiners({ id }: { id: string }) {
  const { answer } = usePolled<Page<MinerBrief>>(`/operators/${id}/miners?limit=100`)
  return (
    <section class="card" aria-label="Miners of the operator">
      <h2>Miners of the operator</h2>
      {answer?.body.data.length === 0 && <p class="empty">The operator has no miner yet.</p>}
      <ul>
        {answer?.body.data.map(miner => (
          <li key={miner.id}><a href={minerHref(miner.id)}>{miner.title ?? miner.account_name}</a></li>
        ))}
      </ul>
    </section>
  )
}

function SignIn() {
  const [key, setKey] = useState('')
  return (
    <form
      class="card sign-in"
      onSubmit={event => {
        event.preventDefault()
        keepApiKey(key.trim())
        location.reload()
      }}
    >
      <h1>Sign in</h1>
      <p>Sign in at your pool's site, open a watcher link, or paste an API key. It stays in this tab.</p>
      <label>
        API key
        <input type="password" autocomplete="off" required value={key} onInput={event => setKey(event.currentTarget.value)} />
      </label>
      <button type="submit">Open</button>
    </form>
  )
}
