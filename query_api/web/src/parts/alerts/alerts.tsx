// How patient alerts of a miner are, and quiet for a while.

import { useState } from 'preact/hooks'
import { send } from '../../service/api'
import { duration, utc } from '../../format'
import { useAction } from '../../hooks'
import { texts } from '../../text'
import type { Miner } from '../../answers/figures'
import { ConfirmButton, Trouble } from '../form'

const DELAYS_S = [0, 60, 300, 600, 1800, 3600, 21_600, 86_400] as const
const MUTES_H = [1, 4, 24, 168] as const

type Settings = Miner['alerts']

export function Alerts({ path, initial }: { path: string; initial: Settings }) {
  const [settings, setSettings] = useState(initial)
  const action = useAction()
  const set = (next: Settings) =>
    action.run(async () => setSettings((await send<Settings>('PUT', path, next))!))
  const { delay_seconds: delay, muted_until: until } = settings
  const muted = until !== null && Date.parse(until) > Date.now()
  const mute = (hours: number) =>
    set({ ...settings, muted_until: new Date(Date.now() + hours * 3_600_000).toISOString() })
  const delays = [...new Set([...DELAYS_S, delay])].sort((a, b) => a - b)
  return (
    <section class="card" aria-label={texts.sharing.alerts}>
      <h2>{texts.sharing.alerts}</h2>
      <div class="change">
        <label>
          {texts.sharing.delay}
          <select
            value={String(delay)}
            disabled={action.busy}
            onChange={event => set({ ...settings, delay_seconds: Number(event.currentTarget.value) })}
          >
            {delays.map(seconds => (
              <option key={seconds} value={String(seconds)}>{seconds === 0 ? texts.sharing.noDelay : duration(seconds)}</option>
            ))}
          </select>
        </label>
      </div>
      {muted ? (
        <p>
          {texts.sharing.mutedUntil(utc(until))}.{' '}
          <ConfirmButton label={texts.sharing.unmute} sure={texts.sharing.unmuteSure} disabled={action.busy} onConfirm={() => set({ ...settings, muted_until: null })} />
        </p>
      ) : (
        <p class="filters">
          {MUTES_H.map(hours => (
            <button key={hours} type="button" disabled={action.busy} onClick={() => mute(hours)}>
              {texts.sharing.muteFor(hours < 48 ? `${hours} ${texts.units.h}` : `${hours / 24} ${texts.units.d}`)}
            </button>
          ))}
        </p>
      )}
      <Trouble action={action} />
    </section>
  )
}
