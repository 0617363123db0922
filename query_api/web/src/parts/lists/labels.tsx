// Tags, groups and notes of workers: in a row, as filters, and changed for many workers at once.

import { useState } from 'preact/hooks'
import { get, send } from '../../service/api'
import { useAction } from '../../hooks'
import { texts } from '../../text'
import { count } from '../../text/numbers'
import type { LabelCount, LabelCounts, Labels, Page, Worker, WorkerDetails } from '../../answers/figures'
import { Trouble } from '../form'
import { Name } from '../name'

/** What the API takes in one change, and gives on one page. */
const CHANGED_MAX = 1_000
const PAGE_MAX = 100
const WRITTEN = ['group', 'note'] as const

export type LabelFilter = { tags: string[]; group: string }

type FilterProps = { filter: LabelFilter; counts: LabelCounts | null; onChange: (filter: LabelFilter) => void }

/** Nothing while no worker has a label and none is asked for. */
export function LabelChoice({ filter, counts, onChange }: FilterProps) {
  const { tags, group } = filter
  const groups = counts?.groups ?? []
  const more = (counts?.tags ?? []).filter(({ name }) => !tags.includes(name))
  return (
    <>
      {(groups.length > 0 || group) && (
        <select
          aria-label={texts.workers.labels.group}
          value={group}
          onChange={event => onChange({ tags, group: event.currentTarget.value })}
        >
          <option value="">{texts.workers.labels.anyGroup}</option>
          {group && !groups.some(({ name }) => name === group) && <option>{group}</option>}
          <Options of={groups} />
        </select>
      )}
      {more.length > 0 && (
        <select
          aria-label={texts.workers.labels.tags}
          value=""
          onChange={event => onChange({ tags: [...tags, event.currentTarget.value], group })}
        >
          <option value="">{texts.workers.labels.chooseTag}</option>
          <Options of={more} />
        </select>
      )}
      {tags.map(tag => (
        <button
          type="button"
          key={tag}
          aria-pressed
          class="toggle"
          aria-label={texts.workers.labels.without(tag)}
          onClick={() => onChange({ tags: tags.filter(other => other !== tag), group })}
        >
          <Name>{tag}</Name> <span aria-hidden="true">×</span>
        </button>
      ))}
    </>
  )
}

function Options({ of }: { of: LabelCount[] }) {
  return (
    <>
      {of.map(({ name, workers }) => (
        <option key={name} value={name}>{texts.workers.labels.withCount(name, count(workers))}</option>
      ))}
    </>
  )
}

type RowProps = { labels: Labels; filter: LabelFilter; onChange: (filter: LabelFilter) => void }

/** Under a name: a press on a label asks for those that have it. */
export function RowLabels({ labels, filter, onChange }: RowProps) {
  const { tags, group, note } = labels
  if (!group && !note && tags.length === 0) return null
  const only = (name: string, next: Partial<LabelFilter>) => (
    <button
      type="button"
      key={name}
      class="label"
      aria-label={texts.workers.labels.only(name)}
      onClick={() => onChange({ ...filter, ...next })}
    >
      <Name>{name}</Name>
    </button>
  )
  return (
    <span class="of labels">
      {group && only(group, { group })}
      {tags.map(tag => only(tag, { tags: [...new Set([...filter.tags, tag])] }))}
      {note && <span class="muted note" title={note}><Name>{note.split('\n')[0]!}</Name></span>}
    </span>
  )
}

type EditProps = {
  /** Address of the list: `/miners/…/workers`. */
  path: string
  /** What was asked for the page on the screen. */
  asked: string
  total: number
  picked: string[]
  counts: LabelCounts | null
  onDone: () => void
}

/** Changes the labels of the selected workers, or else of all that the list's filters let through. */
export function LabelEdit({ path, asked, total, picked, counts, onDone }: EditProps) {
  const [open, setOpen] = useState(false)
  const [added, setAdded] = useState('')
  const [removed, setRemoved] = useState('')
  const [group, setGroup] = useState('')
  const [note, setNote] = useState('')
  const [cleared, setCleared] = useState<string[]>([])
  const [saved, setSaved] = useState<number | null>(null)
  const action = useAction()
  const chosen = picked.length > 0 ? picked.length : total
  const tooMany = chosen > CHANGED_MAX
  const change = {
    add_tags: words(added),
    remove_tags: words(removed),
    ...valueOf('group', group, cleared),
    ...valueOf('note', note, cleared),
  }
  const empty = change.add_tags.length + change.remove_tags.length === 0 && Object.keys(change).length === 2
  const save = () =>
    action.run(async () => {
      const worker_ids = picked.length > 0 ? picked : await idsOf(asked, total)
      await send('PATCH', `${path}/labels`, { worker_ids, ...change })
      setSaved(worker_ids.length)
      onDone()
    })
  if (!open) return <button type="button" onClick={() => setOpen(true)}>{texts.workers.labels.edit}</button>
  return (
    <form class="change labels-edit" onSubmit={event => (event.preventDefault(), save())}>
      <p class="hint">
        {picked.length > 0 ? texts.workers.labels.selected(count(picked.length)) : texts.workers.labels.matching(count(total))}
      </p>
      {tooMany && <p class="hint">{texts.workers.labels.tooMany(count(CHANGED_MAX))}</p>}
      <Known id="known-tags" of={counts?.tags} />
      <Known id="known-groups" of={counts?.groups} />
      <label>
        {texts.workers.labels.addTags}
        <input list="known-tags" placeholder={texts.workers.labels.tagsHint} value={added} onInput={event => setAdded(event.currentTarget.value)} />
      </label>
      <label>
        {texts.workers.labels.removeTags}
        <input list="known-tags" placeholder={texts.workers.labels.tagsHint} value={removed} onInput={event => setRemoved(event.currentTarget.value)} />
      </label>
      {WRITTEN.map(name => (
        <div key={name}>
          <label>
            {texts.workers.labels[name]}
            <input
              list={name === 'group' ? 'known-groups' : undefined}
              placeholder={texts.workers.labels.leave}
              maxLength={name === 'group' ? 60 : 2_000}
              disabled={cleared.includes(name)}
              value={name === 'group' ? group : note}
              onInput={event => (name === 'group' ? setGroup : setNote)(event.currentTarget.value)}
            />
          </label>
          <label class="check">
            <input
              type="checkbox"
              checked={cleared.includes(name)}
              onChange={event => setCleared(old => (event.currentTarget.checked ? [...old, name] : old.filter(other => other !== name)))}
            />
            {texts.workers.labels.takeAway}
          </label>
        </div>
      ))}
      <span class="filters">
        <button type="submit" disabled={action.busy || empty || tooMany || chosen === 0}>{texts.workers.labels.save}</button>
        <button type="button" onClick={() => (setOpen(false), setSaved(null))}>{texts.workers.labels.close}</button>
      </span>
      <p class="hint" role="status">{saved !== null && !action.busy && !action.trouble && texts.workers.labels.saved(texts.page.counts.workers(saved))}</p>
      <Trouble action={action} />
    </form>
  )
}

function Known({ id, of }: { id: string; of: LabelCount[] | undefined }) {
  return <datalist id={id}>{of?.map(({ name }) => <option key={name} value={name} />)}</datalist>
}

/** A worker's own labels, written down as they are to be. */
export function OwnLabels({ worker, onDone }: { worker: WorkerDetails; onDone: () => void }) {
  const { tags, group, note } = worker.labels ?? { tags: [], group: null, note: null }
  const [edited, setEdited] = useState<{ tags: string; group: string; note: string } | null>(null)
  const action = useAction()
  if (!worker.labels) return null
  const shown = edited ?? { tags: tags.join(' '), group: group ?? '', note: note ?? '' }
  const edit = (change: Partial<typeof shown>) => setEdited({ ...shown, ...change })
  const save = () =>
    action.run(async () => {
      const wanted = words(shown.tags)
      await send('PATCH', `/miners/${worker.miner.id}/workers/labels`, {
        worker_ids: [worker.id],
        add_tags: wanted.filter(tag => !tags.includes(tag)),
        remove_tags: tags.filter(tag => !wanted.includes(tag)),
        group: shown.group.trim() || null,
        note: shown.note.trim() || null,
      })
      setEdited(null)
      onDone()
    })
  return (
    <section class="card" aria-label={texts.workers.labels.title}>
      <h2>{texts.workers.labels.title}</h2>
      <form class="change" onSubmit={event => (event.preventDefault(), save())}>
        <label>
          {texts.workers.labels.tags}
          <input placeholder={texts.workers.labels.tagsHint} value={shown.tags} onInput={event => edit({ tags: event.currentTarget.value })} />
        </label>
        <label>
          {texts.workers.labels.group}
          <input maxLength={60} value={shown.group} onInput={event => edit({ group: event.currentTarget.value })} />
        </label>
        <label>
          {texts.workers.labels.note}
          <textarea maxLength={2_000} rows={2} value={shown.note} onInput={event => edit({ note: event.currentTarget.value })} />
        </label>
        <button type="submit" disabled={action.busy || edited === null}>{texts.workers.labels.save}</button>
      </form>
      <Trouble action={action} />
    </section>
  )
}

const words = (text: string) => [...new Set(text.split(/[\s,;]+/).filter(Boolean))]

/** Nothing if the field says nothing. */
function valueOf(name: 'group' | 'note', text: string, cleared: string[]): Partial<Labels> {
  if (cleared.includes(name)) return { [name]: null }
  return text.trim() ? { [name]: text.trim() } : {}
}

/** Ids of all workers that a list's filters let through, page by page. */
async function idsOf(asked: string, total: number): Promise<string[]> {
  const [path, query] = asked.split('?')
  const ids = new Set<string>()
  for (let offset = 0; offset < total; offset += PAGE_MAX) {
    const page = new URLSearchParams(query)
    page.set('limit', String(PAGE_MAX))
    page.set('offset', String(offset))
    // An order that no change of status moves between two pages.
    page.set('sort-by', 'worker_name')
    const { body } = await get<Page<Worker>>(`${path}?${page}`)
    for (const worker of body.data) ids.add(worker.id)
  }
  return [...ids]
}
