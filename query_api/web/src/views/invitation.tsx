// Invitations that wait for the person who has signed in; a mail's link brings a code along.

import { useState } from 'preact/hooks'
import { send } from '../service/api'
import { useAction, usePolled } from '../hooks'
import { Trouble } from '../parts/form'
import { Refusal, Waiting } from '../parts/refusal'
import { Invitations } from '../parts/access/invitations'
import { useParam } from '../route'
import { useTitle } from '../shell'
import { texts } from '../text'
import type { CurrentUser } from '../answers/figures'

export function InvitationView() {
  const [linked] = useParam('code', '')
  const [code, setCode] = useState(linked)
  const action = useAction()
  const user = usePolled<CurrentUser>('/user', action.done)
  useTitle(texts.access.invitation)
  if (user.error && !user.error.passing) return <Refusal error={user.error} />
  if (!user.answer) return <Waiting error={user.error} />
  const accept = () =>
    action.run(async () => {
      await send('POST', '/invites/accept', { code: code.trim() })
      location.hash = '#/'
    })
  return (
    <>
      <h1>{texts.access.invitations}</h1>
      <Invitations waiting={user.answer.body.invitations} />
      <form class="card change" onSubmit={event => (event.preventDefault(), accept())}>
        <label>
          {texts.access.code}
          <input required autocomplete="off" pattern="\s*[0-9a-f]{64}\s*" title={texts.access.codeForm} value={code} onInput={event => setCode(event.currentTarget.value)} />
        </label>
        <p class="hint">{texts.access.codeHint}</p>
        <Trouble action={action} />
        <button type="submit" disabled={action.busy}>{texts.access.accept}</button>
      </form>
    </>
  )
}
