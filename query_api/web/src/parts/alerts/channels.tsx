// Where the caller's own alerts go: e-mail and Telegram, switched and connected.

import type { Chat, Invite, Preferences } from '../../answers/alerts'
import { send } from '../../service/api'
import { utc } from '../../format'
import { type Action, useAction, usePolled } from '../../hooks'
import { filled, texts } from '../../text'
import { ConfirmButton, CopyButton, Trouble } from '../form'
import { Name } from '../name'
import { Waiting } from '../refusal'

const STATUS_CHANGED = 'worker-status-changed'

/** `user` is the caller's id: nobody chooses for others. */
export function Channels({ user }: { user: string }) {
  const path = `/users/${user}/notifications`
  const action = useAction()
  const { answer, error } = usePolled<Preferences>(path, action.done)
  const switches = answer?.body
  const notices = Object.keys(switches?.telegram ?? {}).filter(key => key !== STATUS_CHANGED)
  const choose = (channel: keyof Preferences, keys: string[], enabled: boolean) =>
    action.run(() =>
      send('PATCH', path, {
        email: {},
        telegram: {},
        [channel]: Object.fromEntries(keys.map(key => [key, { enabled }])),
      }),
    )
  return (
    <section class="card" aria-label={texts.sharing.channels}>
      <h2>{texts.sharing.channels}</h2>
      {!switches && (error && !error.passing ? <p class="hint">{error.message}</p> : <Waiting error={error} />)}
      {switches && (
        <div class="change">
          <label class="check">
            <input
              type="checkbox"
              disabled={action.busy}
              checked={switches.email[STATUS_CHANGED]?.enabled ?? false}
              onChange={event => choose('email', [STATUS_CHANGED], event.currentTarget.checked)}
            />
            {texts.sharing.byMail}
          </label>
          <label class="check">
            <input
              type="checkbox"
              disabled={action.busy}
              checked={switches.telegram[STATUS_CHANGED]?.enabled ?? false}
              onChange={event => choose('telegram', [STATUS_CHANGED], event.currentTarget.checked)}
            />
            {texts.sharing.byTelegram}
          </label>
          <label class="check">
            <input
              type="checkbox"
              disabled={action.busy}
              checked={notices.every(key => switches.telegram[key]?.enabled)}
              onChange={event => choose('telegram', notices, event.currentTarget.checked)}
            />
            {texts.sharing.noticesInTelegram}
          </label>
        </div>
      )}
      {Object.values(switches?.telegram ?? {}).some(one => one.enabled) && <Telegram path={`/users/${user}/telegram`} />}
      <Trouble action={action} />
    </section>
  )
}

function Telegram({ path }: { path: string }) {
  const action = useAction()
  const invite = usePolled<Invite>(`${path}/invite`, action.done).answer?.body ?? null
  // The chat is connected elsewhere, with the code: then it is looked for anew.
  const used = invite?.invite?.activated_at ? 1 : 0
  const chat = usePolled<Chat>(`${path}/chat`, action.done + used)
  const connected = chat.answer?.body.chat
  return connected ? (
    <Connected {...{ path, action }} chat={connected} />
  ) : (
    <>
      {chat.error && !chat.error.passing && <p class="hint">{texts.sharing.telegramTrouble(chat.error.message)}</p>}
      <Connect {...{ path, invite, action }} />
    </>
  )
}

type ConnectedProps = { path: string; chat: NonNullable<Chat['chat']>; action: Action }

function Connected({ path, chat, action }: ConnectedProps) {
  return (
    <>
      <p>
        ● {filled(texts.sharing.connectedAs, <Name>{chat.user.username ?? chat.user.first_name ?? String(chat.id)}</Name>)}{' '}
        <ConfirmButton
          label={texts.sharing.disconnect}
          sure={texts.sharing.disconnectSure}
          disabled={action.busy}
          onConfirm={() => action.run(() => send('DELETE', `${path}/chat`))}
        />
      </p>
      <Trouble action={action} />
    </>
  )
}

function Connect({ path, invite: made, action }: { path: string; invite: Invite | null; action: Action }) {
  const invite = made?.invite
  const bot = made?.bot?.username
  const open = invite && invite.activated_at === null && Date.parse(invite.valid_until) > Date.now()
  return (
    <>
      {open && (
        <p>
          {bot ? (
            <a class="in-text" href={`https://t.me/${bot}?start=${invite.code}`} rel="noreferrer" target="_blank">
              {texts.sharing.openBot(bot)}
            </a>
          ) : (
            filled(texts.sharing.sendStart, <code class="name">/start {invite.code}</code>)
          )}{' '}
          <CopyButton text={`/start ${invite.code}`} label={texts.sharing.copyCommand} />{' '}
          <span class="muted">{texts.sharing.codeUntil(utc(invite.valid_until))}</span>
        </p>
      )}
      <button type="button" disabled={action.busy} onClick={() => action.run(() => send('POST', `${path}/invite`))}>
        {open ? texts.sharing.anotherCode : texts.sharing.connect}
      </button>
      <Trouble action={action} />
    </>
  )
}
