// How the service itself does: how far it has come with the stream, and when it last wrote.

import { useNow } from '../clock'
import { bothTimes, duration } from '../format'
import { texts } from '../text'
import { count } from '../text/numbers'
import type { Overview } from '../answers/figures'

// Figures come every 15 s; older than a minute they are called stale everywhere.
const CURRENT_S = 60
// A standby takes over within 30 s; three minutes without a cycle is nobody.
const LED_S = 180

export function Health({ service }: { service: Overview['service'] }) {
  const now = useNow()
  const age = (iso: string) => Math.max(0, (now - Date.parse(iso)) / 1000)
  const rows: [string, string | null][] = [
    [texts.health.streamTime, service.stream_time],
    [texts.health.flush, service.last_flush_at],
    [texts.health.cycle, service.cycle_at],
  ]
  const led = service.cycle_at !== null && age(service.cycle_at) < LED_S
  const current = service.caught_up && service.stream_time !== null && age(service.stream_time) < CURRENT_S
  return (
    <section class="card" aria-label={texts.health.title}>
      <h2>{texts.health.title}</h2>
      <table class="plain">
        <tbody>
          <tr>
            <th scope="row">{texts.health.state}</th>
            <td class={`number status ${led && current ? 'stable' : 'unavailable'}`}>
              {!led ? texts.health.nobody : current ? texts.health.current : texts.health.behind}
            </td>
          </tr>
          {rows.map(([title, iso]) => (
            <tr key={title}>
              <th scope="row">{title}</th>
              <td class="number" title={iso ? bothTimes(iso) : undefined}>{iso ? duration(age(iso)) : texts.page.never}</td>
            </tr>
          ))}
          <tr>
            <th scope="row">{texts.health.partitions}</th>
            <td class="number">{count(service.partitions)}</td>
          </tr>
        </tbody>
      </table>
    </section>
  )
}
