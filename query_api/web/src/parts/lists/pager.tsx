// Pages of a list: where one is, the ones beside it, and a jump.

import { useState } from 'preact/hooks'
import { type Texts, texts } from '../../text'
import { count } from '../../text/numbers'

type Props = {
  offset: number
  limit: number
  total: number
  /** What is counted. */
  what: keyof Texts['page']['counts']
  onOffset: (offset: number) => void
}

export function Pager({ offset, limit, total, what, onOffset }: Props) {
  const pages = Math.max(1, Math.ceil(total / limit))
  const page = Math.floor(offset / limit) + 1
  // What is being typed stays, though new figures draw the list anew meanwhile.
  const [typed, setTyped] = useState<string | null>(null)
  if (total <= limit && offset === 0) return <p class="hint">{texts.page.counts[what](total)}</p>
  const go = (to: number) => onOffset((Math.min(Math.max(1, to), pages) - 1) * limit)
  return (
    <nav class="pager" aria-label={texts.page.pagesOf[what]}>
      <button type="button" disabled={page <= 1} onClick={() => go(page - 1)}>{texts.page.previous}</button>
      <span>
        {total > offset
          ? texts.page.range(count(offset + 1), count(Math.min(offset + limit, total)), texts.page.ofCounts[what](total))
          : texts.page.counts[what](total)}
      </span>
      {pages > 2 && (
        <label>
          <span class="muted">{texts.page.page} </span>
          <input
            class="page"
            type="number"
            min="1"
            max={pages}
            value={typed ?? page}
            onInput={event => setTyped(event.currentTarget.value)}
            onChange={event => (setTyped(null), go(Number(event.currentTarget.value) || 1))}
          />
          <span class="muted"> {texts.page.ofPages(count(pages))}</span>
        </label>
      )}
      <button type="button" disabled={page >= pages} onClick={() => go(page + 1)}>{texts.page.next}</button>
    </nav>
  )
}
