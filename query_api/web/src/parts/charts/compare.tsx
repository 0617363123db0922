// Rows that were selected in a list, in one chart.

import { useMemo } from 'preact/hooks'
import { usePolled } from '../../hooks'
import { useParam } from '../../route'
import { SECONDS_OF_INTERVAL, useSpan } from '../../span'
import { texts } from '../../text'
import type { ChartOfMany } from '../../answers/figures'
import { Lines } from './lines'
import { Waiting } from '../refusal'
import { Save } from './save'
import { RangeFields, SpanChoice } from './span_choice'

/** More lines than this nobody tells apart. */
const COMPARED_MAX = 12
/** What fits into an address. */
const PICKED_MAX = 100

export type Picks = { ids: string[]; toggle: (id: string) => void; clear: () => void }

/** The selected ids, which stand in the address under `name`. */
export function usePicks(name: string): Picks {
  const [text, set] = useParam(name, '')
  const ids = text ? text.split(',') : []
  const toggle = (id: string) =>
    set((ids.includes(id) ? ids.filter(other => other !== id) : [...ids, id].slice(-PICKED_MAX)).join(','))
  return { ids, toggle, clear: () => set('') }
}

type Props = { kind: 'workers' | 'miners'; picks: Picks; nameOf: (id: string) => string }

export function Compare({ kind, picks, nameOf }: Props) {
  const span = useSpan()
  const ids = picks.ids.slice(-COMPARED_MAX)
  const asked = ids.map(id => `id=${id}`).join('&')
  const path = `/${kind}/charts?${span.query}&${asked}`
  const { answer, error } = usePolled<ChartOfMany>(asked ? path : null)
  const names = ids.map(nameOf).join('\n')
  const drawn = useMemo(() => answer && columnsOf(answer.body, ids, names.split('\n')), [answer, names])
  if (ids.length === 0) return null
  return (
    <section class="card" aria-label={texts.figures.comparison}>
      <header>
        <h2>{texts.figures.comparison}</h2>
        <SpanChoice span={span} />
        <button type="button" onClick={picks.clear}>{texts.figures.clearSelection}</button>
      </header>
      <RangeFields span={span} />
      {picks.ids.length > COMPARED_MAX && <p class="hint">{texts.figures.comparedLast(COMPARED_MAX, picks.ids.length)}</p>}
      {drawn ? (
        <Lines label={texts.figures.hashrateOf(texts.page.counts[kind](ids.length))} {...drawn} />
      ) : (
        <div class="chart-space"><Waiting error={error} /></div>
      )}
      <Save path={path} name={`comparison-${span.name}`} />
    </section>
  )
}

function columnsOf(body: ChartOfMany, ids: string[], names: string[]) {
  const found = ids.flatMap((id, i) => {
    const series = body.data[id]
    return series?.status === 'ok' ? [{ name: names[i]!, points: series.points }] : []
  })
  const times = found[0]?.points.map(point => point.timestamp) ?? []
  const interval = SECONDS_OF_INTERVAL[body.interval] ?? 0
  return {
    times: [...times, (times.at(-1) ?? 0) + interval],
    lines: found.map(({ name, points }) => ({ name, values: points.map(point => Number(point.hashrate)) })),
  }
}
