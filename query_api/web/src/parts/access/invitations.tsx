// What the caller is invited to, and the button that accepts it all.

import { send } from '../../service/api'
import { useAction } from '../../hooks'
import { textOf, texts } from '../../text'
import type { Invitation } from '../../answers/figures'
import { Trouble } from '../form'
import { Name } from '../name'

export function Invitations({ waiting }: { waiting: Invitation[] }) {
  const action = useAction()
  if (waiting.length === 0) return null
  const accept = () =>
    action.run(async () => {
      await send('POST', '/invites/accept', {})
      location.reload()
    })
  return (
    <section class="card" aria-label={texts.access.invited}>
      <h2>{texts.access.invited}</h2>
      <ul class="entries">
        {waiting.map(({ type, id, name, roles }) => (
          <li key={id}>
            <span><strong><Name>{name}</Name></strong> <span class="muted">{texts.access.invitedAs(texts.access.entities[type], roles.map(role => textOf(texts.access.roles, role)))}</span></span>
          </li>
        ))}
      </ul>
      <Trouble action={action} />
      <button type="button" disabled={action.busy} onClick={accept}>{texts.access.accept}</button>
    </section>
  )
}
