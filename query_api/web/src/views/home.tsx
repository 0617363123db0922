// Where to go: the pool, the miners that the caller may see, or the way in.

import { useEffect, useState } from 'preact/hooks'
import { type ApiError, get, keepApiKey } from '../api'
import { minerHref, poolHref } from '../route'
import type { Permission } from '../types'

export function HomeView() {
  const [permissions, setPermissions] = useState<Permission[] | null>(null)
  const [error, setError] = useState<ApiError | null>(null)
  useEffect(() => {
    get<{ permissions: Permission[] }>('/user')
      .then(({ body }) => go(body.permissions, setPermissions))
      .catch(setError)
  }, [])
  if (error && error.status !== 401) return <p class="empty" role="alert">{error.message}</p>
  if (error) return <SignIn />
  if (permissions === null) return <p class="empty">Loading…</p>
  return (
    <>
      <h1>Your miners</h1>
      {permissions.length === 0 && <p class="empty">No pool and no miner is open to you yet.</p>}
      <ul class="card">
        {permissions.map(({ type, id, account_name }) => (
          <li key={id}>
            <a href={type === 'pool' ? poolHref(id) : minerHref(id)}>{account_name ?? 'Pool'}</a>
          </li>
        ))}
      </ul>
    </>
  )
}

/** Whoever may see one thing only need not choose it. */
function go(permissions: Permission[], otherwise: (permissions: Permission[]) => void): void {
  const seen = permissions.filter(({ type }) => type === 'pool' || type === 'miner')
  if (seen.length === 1) {
    const { type, id } = seen[0]!
    location.replace(type === 'pool' ? poolHref(id) : minerHref(id))
  } else otherwise(seen)
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
