// How the service itself does: how far it has come with the stream, and when it last wrote.

import { useNow } from '../clock'
import { bothTimes, count, duration } from '../format'
import type { Overview } from '../types'

// Figures come every 15 s; older than a minute they are called stale everywhere.
const CURRENT_S = 60

export function Health({ service }: { service: Overview['service'] }) {
  const now = useNow()
  const age = (iso: string) => Math.max(0, (now - Date.parse(iso)) / 1000)
  const rows: [string, string | null][] = [
    ['Stream time behind the clock', service.stream_time],
    ['Last flush of shares', service.last_flush_at],
    ['Last beat of the figures', service.beat_at],
  ]
  const current = service.caught_up && service.stream_time !== null && age(service.stream_time) < CURRENT_S
  return (
    <section class="card" aria-label="Health of the service">
      <h2>Health of the service</h2>
      <table class="plain">
        <tbody>
          <tr>
            <th scope="row">State</th>
            <td class={`number status ${current ? 'stable' : 'unavailable'}`}>
              {current ? '● up to date' : '▲ catching up'}
            </td>
          </tr>
          {rows.map(([title, iso]) => (
            <tr key={title}>
              <th scope="row">{title}</th>
              <td class="number" title={iso ? bothTimes(iso) : undefined}>{iso ? duration(age(iso)) : 'never'}</td>
            </tr>
          ))}
          <tr>
            <th scope="row">Partitions</th>
            <td class="number">{count(service.partitions)}</td>
          </tr>
        </tbody>
      </table>
    </section>
  )
}
