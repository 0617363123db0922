// Status transitions as a list of sentences.

import { minerHref, workerHref } from '../route'
import { count } from '../format'
import type { Transition } from '../types'
import { Ago, StatusMark } from './figures'

const CAUSES: Record<string, string> = {
  first_share: 'first share',
  share: 'a share came',
  silence: 'silent too long',
  source_silent: 'its stratum server went silent',
  source_back: 'its stratum server is back',
  removed_by_hand: 'removed by hand',
  created: 'created',
  disconnected: 'disconnected',
}

type Props = { transitions: Transition[]; empty: string }

export function Transitions({ transitions, empty }: Props) {
  if (transitions.length === 0) return <p class="empty">{empty}</p>
  return (
    <ol class="transitions">
      {transitions.map(transition => (
        <li key={transition.id}>
          <span class="muted"><Ago iso={transition.at} /></span>
          {transition.worker ? <WorkerChange {...transition} /> : <SourceChange {...transition} />}
        </li>
      ))}
    </ol>
  )
}

function WorkerChange({ type, worker, miner, from, to, cause }: Transition) {
  const still = type === 'worker-still-silent'
  return (
    <span>
      {miner && <a href={minerHref(miner.id)}>{miner.account_name}</a>}
      {miner && ' · '}
      <a href={workerHref(worker!.id)}>{worker!.name}</a>{' '}
      {from && !still && <><StatusMark status={from} /> → </>}
      {to && <StatusMark status={to} />}{' '}
      <span class="muted">{still ? 'still, though its stratum server is back' : CAUSES[cause] ?? cause}</span>
    </span>
  )
}

function SourceChange({ type, source, workers }: Transition) {
  const what = type === 'source-silent' ? '▲ went silent' : '● is back'
  return (
    <span>
      <strong>Stratum server {source ?? 'unknown'}</strong> {what}
      {workers ? <span class="muted"> {count(workers)} workers</span> : null}
    </span>
  )
}

/** Live events before the stored ones, each once. */
export function merge(live: Transition[], stored: Transition[], limit: number): Transition[] {
  const seen = new Set<string>()
  return [...live, ...stored]
    .filter(({ id }) => !seen.has(id) && seen.add(id))
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at))
    .slice(0, limit)
}
