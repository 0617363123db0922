// Who else learns of a miner: watcher links, alerts, webhooks, keys for programs.

import { usePolled } from '../hooks'
import { Alerts } from '../parts/alerts/alerts'
import { ApiKeys } from '../parts/access/api_keys'
import { Channels } from '../parts/alerts/channels'
import { Name } from '../parts/name'
import { Refusal, Waiting } from '../parts/refusal'
import { MinerSections } from '../parts/sections'
import { Thresholds } from '../parts/alerts/thresholds'
import { Watchers } from '../parts/access/watchers'
import { Webhooks } from '../parts/alerts/webhooks'
import { minerHref } from '../route'
import { useReport, useTitle } from '../shell'
import { filled, texts } from '../text'
import type { Miner } from '../answers/figures'

export function SharingView({ id }: { id: string }) {
  const miner = usePolled<Miner>(`/miners/${id}`)
  const right = usePolled<unknown>(`/miners/${id}/watchers?limit=1`)
  const user = usePolled<{ user: { id: string } | null }>('/user').answer?.body.user
  const shown = miner.answer?.body
  const name = shown?.title ?? shown?.account_name ?? texts.figures.miner
  useReport(miner)
  useTitle(shown && texts.sharing.sharing(name))
  const refusal = [miner.error, right.error].find(error => error && !error.passing)
  if (refusal) return <Refusal error={refusal} />
  if (!shown || !right.answer) return <Waiting error={miner.error ?? right.error} />
  return (
    <>
      <h1>{filled(texts.sharing.sharingOf, <a href={minerHref(id)}><Name>{name}</Name></a>)}</h1>
      <MinerSections id={id} at="sharing" />
      <Watchers path={`/miners/${id}/watchers`} />
      <div class="columns">
        <Alerts path={`/miners/${id}/alerts`} initial={shown.alerts} />
        <Webhooks path={`/miners/${id}/webhooks`} />
      </div>
      <div class="columns">
        <Thresholds path={`/miners/${id}/thresholds`} />
        {user && <Channels user={user.id} />}
      </div>
      {user && <ApiKeys user={user.id} miner={id} />}
    </>
  )
}
