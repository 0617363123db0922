// Rejected work by reason: a share of all submitted work for each.

import { exactHashrate, percent } from '../../format'
import { usePolled } from '../../hooks'
import { textOf, texts } from '../../text'
import type { Rates } from '../../answers/figures'

// More than a healthy worker has for any reason; a worse one fills the bar itself.
const FULL_BAR_PCT = 5

type Props = { kind: 'workers' | 'miners'; id: string; rates: Rates | undefined }

export function Rejects({ kind, id, rates }: Props) {
  const { answer } = usePolled<Record<string, Record<string, string>>>(
    `/${kind}/rejects?period=P1D&id=${id}`,
  )
  // Without the rates a share of them would be 0 % for every reason.
  const known = rates && answer?.body[id]
  const reasons = Object.entries(known ?? {})
    .filter(([, value]) => Number(value) > 0)
    .sort(([, a], [, b]) => Number(b) - Number(a))
  const submitted = rates ? Number(rates.hashrate) + Number(rates.rejectrate) : 0
  const share = (value: string) => (submitted > 0 ? (100 * Number(value)) / submitted : 0)
  const full = Math.max(FULL_BAR_PCT, ...reasons.map(([, value]) => share(value)))
  return (
    <section class="card" aria-label={texts.figures.rejects}>
      <h2>{texts.figures.rejectsTitle}</h2>
      {reasons.length === 0 ? (
        <p class="empty">{known ? texts.figures.noRejectsDay : texts.page.loading}</p>
      ) : (
        <table class="plain">
          <tbody>
            {reasons.map(([reason, value]) => (
              <tr key={reason}>
                <th scope="row">{textOf(texts.figures.reasons, reason)}</th>
                <td class="bar-cell"><Bar part={share(value) / full} /></td>
                <td class="number" title={exactHashrate(value)}>{percent(share(value))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

function Bar({ part }: { part: number }) {
  return (
    <svg class="share" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
      <rect width={100 * part} height="1" />
    </svg>
  )
}
