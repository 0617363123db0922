// How many workers are in each status.

import { percent } from '../format'
import { usePolled } from '../hooks'
import { texts } from '../text'
import { count } from '../text/numbers'
import { STATUSES, type StatusCounts } from '../answers/figures'
import { StatusMark } from './figures'
import { Waiting } from './refusal'

/** `href` is the address of the list that a status is chosen in. */
export function Statuses({ path, href }: { path: string; href: string }) {
  const { answer, error } = usePolled<StatusCounts>(path)
  if (answer) return <StatusTable counts={answer.body} href={href} />
  return (
    <section class="card" aria-label={texts.workers.byStatus}>
      <h2>{texts.workers.byStatus}</h2>
      <Waiting error={error} />
    </section>
  )
}

export function StatusTable({ counts, href }: { counts: StatusCounts; href?: string }) {
  const total = STATUSES.reduce((sum, status) => sum + (counts[status] ?? 0), 0)
  return (
    <section class="card" aria-label={texts.workers.byStatus}>
      <h2>{texts.workers.byStatus}</h2>
      {total === 0 ? (
        <p class="empty">{texts.workers.none}</p>
      ) : (
        <table class="plain">
          <tbody>
            {STATUSES.map(status => {
              const workers = counts[status] ?? 0
              return (
                <tr key={status} class={workers === 0 ? 'none' : undefined}>
                  <th scope="row">
                    {href && workers > 0 ? (
                      <a href={`${href}?status=${status}`}><StatusMark status={status} /></a>
                    ) : (
                      <StatusMark status={status} />
                    )}
                  </th>
                  <td class="number">{count(workers)}</td>
                  <td class="number muted">{percent((100 * workers) / total)}</td>
                </tr>
              )
            })}
          </tbody>
        </table>
      )}
    </section>
  )
}
