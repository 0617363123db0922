// The start of a watcher link: which miner the token opens.

import { useEffect, useState } from 'preact/hooks'
import { type ApiError, get, watcherToken } from '../api'
import { minerHref } from '../route'

type Opened = { id: string; type: 'miner'; account_name: string; access: string[] }

export function WatcherView() {
  const [error, setError] = useState<ApiError | null>(null)
  useEffect(() => {
    get<Opened | Opened[]>(`/watchers/${watcherToken()}/permissions`)
      .then(({ body }) => location.replace(minerHref((Array.isArray(body) ? body[0]! : body).id)))
      .catch(setError)
  }, [])
  if (!error) return <p class="empty">Loading…</p>
  return (
    <p class="empty" role="alert">
      {error.passing ? error.message : 'This watcher link is not valid any more. Ask the miner for a new one.'}
    </p>
  )
}
