// Rejected work by reason: a share of all submitted work for each.

import { exactHashrate, percent } from '../format'
import { usePolled } from '../hooks'
import type { Rates } from '../types'

type Props = { kind: 'workers' | 'miners'; id: string; rates: Rates | undefined }

export function Rejects({ kind, id, rates }: Props) {
  const { answer } = usePolled<Record<string, Record<string, string>>>(
    `/${kind}/rejects?period=P1D&id=${id}`,
  )
  const reasons = Object.entries(answer?.body[id] ?? {})
    .filter(([, value]) => Number(value) > 0)
    .sort(([, a], [, b]) => Number(b) - Number(a))
  const submitted = rates ? Number(rates.hashrate) + Number(rates.rejectrate) : 0
  return (
    <section class="card" aria-label="Rejects by reason">
      <h2>Rejects by reason, 1d</h2>
      {reasons.length === 0 ? (
        <p class="empty">{answer ? 'Nothing was rejected in the last day.' : 'Loading…'}</p>
      ) : (
        <table class="plain">
          <tbody>
            {reasons.map(([reason, value]) => {
              const share = submitted > 0 ? (100 * Number(value)) / submitted : 0
              return (
                <tr key={reason}>
                  <th scope="row">{reason.replaceAll('_', ' ')}</th>
                  <td class="number" title={exactHashrate(value)}>{percent(share)}</td>
                  <td class="bar-cell"><meter min={0} max={5} value={Math.min(5, share)} aria-hidden="true" /></td>
                </tr>
              )
            })}
          </tbody>
        </table>
      )}
    </section>
  )
}
