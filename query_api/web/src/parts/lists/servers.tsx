// Stratum servers of a pool: how many workers each has, what they do, and which is silent.

import { percent, rejectPercent } from '../../format'
import { usePolled } from '../../hooks'
import { texts } from '../../text'
import { count } from '../../text/numbers'
import type { Server } from '../../answers/figures'
import { Ago, Hashrate } from '../figures'
import { Name } from '../name'

/** `path` is that of the list: `/pools/…/sources`. Whoever may not read it sees the rest of the page. */
export function Servers({ path }: { path: string }) {
  const { answer } = usePolled<{ data: Server[] }>(path)
  return answer ? <ServerTable servers={answer.body.data} /> : null
}

export function ServerTable({ servers }: { servers: Server[] }) {
  return (
    <section class="card" aria-label={texts.workers.servers}>
      <h2>{texts.workers.servers}</h2>
      {servers.length === 0 ? (
        <p class="empty">{texts.workers.noServer}</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label={texts.workers.serverTable}>
          <table>
            <thead>
              <tr>
                <th scope="col">{texts.workers.server}</th>
                <th scope="col">{texts.workers.state}</th>
                <th scope="col" class="number">{texts.workers.title}</th>
                <th scope="col" class="number">{texts.workers.stableOnes}</th>
                <th scope="col" class="number">{texts.spans['15m']}</th>
                <th scope="col" class="number">{texts.workers.rejected15m}</th>
                <th scope="col" class="number">{texts.workers.lastShare}</th>
              </tr>
            </thead>
            <tbody>{servers.map(server => <Row key={server.name} {...server} />)}</tbody>
          </table>
        </div>
      )}
    </section>
  )
}

function Row(server: Server) {
  return (
    <tr>
      <th scope="row"><Name>{server.name}</Name></th>
      <td class={`status ${server.silent_since ? 'unavailable' : 'stable'}`}>
        {server.silent_since ? <>▲ <Ago iso={server.silent_since} prefix={texts.workers.silentSince} /></> : texts.workers.heard}
      </td>
      <td class="number">{count(server.workers)}</td>
      <td class="number">{count(server.stable)}</td>
      <td class="number"><Hashrate value={server.hashrate} /></td>
      <td class="number">{percent(rejectPercent(server))}</td>
      <td class="number"><Ago iso={server.last_share_at} /></td>
    </tr>
  )
}
