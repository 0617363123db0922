// In place of a view that the caller may not see, or that does not exist.

import { type ApiError, watcherToken } from '../api'

const WHY: Record<number, string> = {
  401: 'You are not signed in, or not any more.',
  403: 'You have no right to see this.',
  404: 'This does not exist.',
}

export function Refusal({ error }: { error: ApiError }) {
  const revoked = error.status === 401 && watcherToken() !== null
  return (
    <div class="empty" role="alert">
      <p>
        {revoked
          ? 'This watcher link is not valid any more. Ask the miner for a new one.'
          : (WHY[error.status] ?? error.message)}
      </p>
      {!revoked && <a href="#/">Go to the start page</a>}
    </div>
  )
}
