// How many workers are in each status.

import { count, percent } from '../format'
import { usePolled } from '../hooks'
import { STATUSES, type StatusCounts } from '../types'
import { StatusMark } from './figures'

export function Statuses({ path }: { path: string }) {
  const { answer } = usePolled<StatusCounts>(path)
  const total = answer ? STATUSES.reduce((sum, status) => sum + (answer.body[status] ?? 0), 0) : 0
  return (
    <section class="card" aria-label="Workers by status">
      <h2>Workers by status</h2>
      {!answer && <p class="empty">Loading…</p>}
      {answer && total === 0 && <p class="empty">No worker yet: one appears with its first share.</p>}
      {answer && total > 0 && (
        <table class="plain">
          <tbody>
            {STATUSES.map(status => {
              const workers = answer.body[status] ?? 0
              return (
                <tr key={status} class={workers === 0 ? 'none' : undefined}>
                  <th scope="row"><StatusMark status={status} /></th>
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
