// The way in with an API key, the caller's own or the pool's internal one.

import { useState } from 'preact/hooks'
import { tryKey } from '../../service/api'
import { credential, keep } from '../../service/credentials'
import { useAction } from '../../hooks'
import { texts } from '../../text'
import { Trouble } from '../form'

const WRONG = texts.access.wrongKey

export function KeyForm() {
  const [key, setKey] = useState('')
  const [lasting, setLasting] = useState(false)
  const action = useAction(credential() ? WRONG : null)
  const open = () =>
    action.run(async () => {
      const found = await tryKey(key.trim())
      if (found === null) throw new Error(WRONG)
      keep(found, lasting)
      location.reload()
    })
  return (
    <form class="change" onSubmit={event => (event.preventDefault(), open())}>
      <label>
        {texts.access.key}
        <input
          type="password"
          autocomplete="off"
          required
          aria-invalid={action.trouble !== null}
          value={key}
          onInput={event => (setKey(event.currentTarget.value), action.forget())}
        />
      </label>
      <Trouble action={action} />
      <label class="check">
        <input type="checkbox" checked={lasting} onChange={event => setLasting(event.currentTarget.checked)} />
        {texts.access.stay}
      </label>
      <p class="hint">{texts.access.stayHint}</p>
      <button type="submit" disabled={action.busy}>{texts.access.open}</button>
    </form>
  )
}
