// In place of a view that the caller may not see, or that does not exist.

import type { ApiError } from '../service/api'
import { credential } from '../service/credentials'
import { texts } from '../text'
import { SignIn } from './access/sign_in'

export function Refusal({ error }: { error: ApiError }) {
  const revoked = error.status === 401 && credential()?.kind === 'watcher'
  if (error.status === 401 && !revoked) return <SignIn />
  const [title, why] = revoked
    ? [texts.access.linkEnded, texts.access.linkEndedHint]
    : whyOf(error)
  return (
    <div class="empty" role="alert">
      <h1>{title}</h1>
      <p>{why}</p>
      {!revoked && <p><a class="in-text" href="#/">{texts.access.toStart}</a></p>}
    </div>
  )
}

function whyOf({ status, message }: ApiError): [title: string, why: string] {
  if (status === 403) return [texts.access.noRight, texts.access.noRightHint]
  if (status === 404) return [texts.access.notThere, texts.access.notThereHint]
  return [texts.access.notShown, message]
}

/** While a view has nothing to show yet: that it loads, or why it cannot. */
export function Waiting({ error }: { error: ApiError | null }) {
  if (!error) return <p class="empty">{texts.page.loading}</p>
  // A refusal is final: asking again would not change it.
  return error.passing
    ? <p class="empty">{error.message}. {texts.page.retrying}</p>
    : <p class="empty" role="alert">{error.message}.</p>
}
