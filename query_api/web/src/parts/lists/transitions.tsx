// Status transitions as a list of sentences.

import { minerHref, workerHref } from '../../route'
import { filled, textOf, texts } from '../../text'
import type { Transition } from '../../answers/figures'
import { Ago, StatusMark } from '../figures'
import { Name } from '../name'

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
      {miner && <a href={minerHref(miner.id)}><Name>{miner.account_name}</Name></a>}
      {miner && ' · '}
      <a href={workerHref(worker!.id)}><Name>{worker!.name}</Name></a>{' '}
      {from && !still && <><StatusMark status={from} /> → </>}
      {to && <StatusMark status={to} />}{' '}
      <span class="muted">{still ? texts.workers.still : textOf(texts.workers.causes, cause)}</span>
    </span>
  )
}

function SourceChange({ type, source, workers }: Transition) {
  const what = type === 'source-silent' ? texts.workers.wentSilent : texts.workers.isBack
  return (
    <span>
      <strong>{filled(texts.workers.serverCalled, <Name>{source ?? texts.workers.unknownServer}</Name>)}</strong> {what}
      {workers ? <span class="muted"> {texts.page.counts.workers(workers)}</span> : null}
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
