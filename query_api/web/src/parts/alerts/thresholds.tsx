// Alerts on figures: what is watched, how it stands, and a form for one more.

import { useState } from 'preact/hooks'
import { METRICS, type Metric, type Threshold, THRESHOLD_WINDOWS } from '../../answers/alerts'
import { send } from '../../service/api'
import { duration, hashrate, percent, utc } from '../../format'
import { type Action, useAction, usePolled } from '../../hooks'
import { workerHref } from '../../route'
import { texts } from '../../text'
import { count, exact } from '../../text/numbers'
import { Ago } from '../figures'
import { ConfirmButton, Trouble } from '../form'
import { Name } from '../name'
import { Waiting } from '../refusal'

const TERA = 1e12
const DELAYS_S = [0, 300, 600, 1800, 3600, 21_600] as const
const MUTE_MS = 24 * 3_600_000

type Props = {
  /** Address of the list: `/miners/…/thresholds`. */
  path: string
  /** Of one worker alone; without it of the miner, with its workers' beside it. */
  worker?: string
  /** Whether the caller may change them. */
  mayChange?: boolean
}

export function Thresholds({ path, worker, mayChange = true }: Props) {
  const action = useAction()
  const { answer, error } = usePolled<{ data: Threshold[] }>(path, action.done)
  const shown = answer?.body.data.filter(rule => !worker || rule.worker?.id === worker)
  return (
    <section class="card" aria-label={texts.sharing.thresholds}>
      <h2>{texts.sharing.thresholds}</h2>
      <p class="hint">
        {texts.sharing.thresholdsHint}
      </p>
      {!shown && <Waiting error={error} />}
      <ul class="entries">
        {shown?.map(rule => <Entry key={rule.id} {...{ rule, path, action, mayChange }} />)}
      </ul>
      {shown?.length === 0 && <p class="hint">{texts.sharing.noThreshold}</p>}
      {mayChange && <NewThreshold {...{ path, worker, action }} />}
      <Trouble action={action} />
    </section>
  )
}

type EntryProps = { rule: Threshold; path: string; action: Action; mayChange: boolean }

function Entry({ rule, path, action, mayChange }: EntryProps) {
  const muted = rule.muted_until !== null && Date.parse(rule.muted_until) > Date.now()
  const change = (muted_until: string | null) =>
    action.run(() => send('PATCH', `${path}/${rule.id}`, { muted_until }))
  return (
    <li>
      <span>
        {rule.worker && <><a href={workerHref(rule.worker.id)}><Name>{rule.worker.name}</Name></a>: </>}
        <strong>{texts.sharing.metrics[rule.metric].toLowerCase()} {boundOf(rule)}</strong>
        <span class="muted">
          {rule.window && `, ${texts.sharing.averageOf(texts.spans[rule.window])}`}
          {rule.for_seconds > 0 && `, ${texts.sharing.forTime(duration(rule.for_seconds))}`}
        </span>
        <Standing rule={rule} />
        {muted && <span class="of muted">{texts.sharing.mutedUntil(utc(rule.muted_until!))}</span>}
      </span>
      {mayChange && (
        <span class="filters">
          <button
            type="button"
            disabled={action.busy}
            onClick={() => change(muted ? null : new Date(Date.now() + MUTE_MS).toISOString())}
          >
            {muted ? texts.sharing.unmute : texts.sharing.muteDay}
          </button>
          <ConfirmButton
            label={texts.sharing.delete}
            sure={texts.sharing.deleteSure}
            disabled={action.busy}
            onConfirm={() => action.run(() => send('DELETE', `${path}/${rule.id}`))}
          />
        </span>
      )}
    </li>
  )
}

function boundOf({ metric, bound }: Threshold): string {
  return metric === 'hashrate' ? hashrate(bound) : `${exact(String(Number(bound)))} ${texts.sharing.metricUnits[metric]}`
}

/** The last figure beside its bound, and what chance does to it. */
function Standing({ rule }: { rule: Threshold }) {
  if (rule.figure === null) return <span class="of muted">{texts.sharing.notMeasured}</span>
  const figure = readable(rule.metric, rule.figure)
  const error = Number(rule.error)
  return (
    <>
      <span class={`of ${rule.firing ? 'wrong' : 'muted'}`}>
        {rule.firing ? `▲ ${texts.sharing.firing} ` : '● '}
        {figure}
        {rule.metric === 'hashrate_of_week' && ` ${texts.sharing.ofWeek(readable('hashrate', rule.measured_bound!))}`}
        {error > 0 && `, ${texts.sharing.byChance(readable(rule.metric, rule.error!))}`}
        {rule.firing && rule.breached_since && <>, <Ago iso={rule.breached_since} prefix={texts.sharing.since} /></>}
      </span>
      {rule.too_few_shares && (
        <span class="of wrong">{texts.sharing.tooFew}</span>
      )}
    </>
  )
}

function readable(metric: Metric, value: string): string {
  if (metric === 'unavailable_workers') return count(Math.round(Number(value)))
  return metric === 'reject_pct' ? percent(Number(value)) : hashrate(value)
}

type NewProps = { path: string; worker: string | undefined; action: Action }

function NewThreshold({ path, worker, action }: NewProps) {
  const [metric, setMetric] = useState<Metric>('hashrate_of_week')
  const [bound, setBound] = useState('')
  const [window, setWindow] = useState<string>('1h')
  const [forSeconds, setForSeconds] = useState(600)
  const counted = metric === 'unavailable_workers'
  const create = () =>
    action.run(async () => {
      await send('POST', path, {
        metric,
        bound: metric === 'hashrate' ? String(Math.round(Number(bound) * TERA)) : bound,
        for_seconds: forSeconds,
        ...(!counted && { window }),
        ...(worker && { worker_id: worker }),
      })
      setBound('')
    })
  return (
    <form class="change" onSubmit={event => (event.preventDefault(), create())}>
      <label>
        {texts.sharing.alertIf}
        <select value={metric} onChange={event => setMetric(event.currentTarget.value as Metric)}>
          {METRICS.filter(name => !worker || name !== 'unavailable_workers').map(name => (
            <option key={name} value={name}>{texts.sharing.metrics[name]}</option>
          ))}
        </select>
      </label>
      <label>
        {texts.sharing.metricUnits[metric]}
        <input
          type="number"
          required
          min="0"
          step={counted ? '1' : 'any'}
          max={metric === 'reject_pct' ? '100' : undefined}
          value={bound}
          onInput={event => setBound(event.currentTarget.value)}
        />
      </label>
      {!counted && (
        <label>
          {texts.sharing.average}
          <select value={window} onChange={event => setWindow(event.currentTarget.value)}>
            {THRESHOLD_WINDOWS.map(name => <option key={name} value={name}>{texts.spans[name]}</option>)}
          </select>
        </label>
      )}
      <label>
        {texts.sharing.lasting}
        <select value={String(forSeconds)} onChange={event => setForSeconds(Number(event.currentTarget.value))}>
          {DELAYS_S.map(seconds => (
            <option key={seconds} value={String(seconds)}>{seconds === 0 ? texts.sharing.atOnce : duration(seconds)}</option>
          ))}
        </select>
      </label>
      <button type="submit" disabled={action.busy}>{texts.sharing.addThreshold}</button>
    </form>
  )
}
