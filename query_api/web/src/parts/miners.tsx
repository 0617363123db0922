// Miners of a pool: the largest, and those that have just lost the most.

import { count, percent } from '../format'
import { minerHref } from '../route'
import type { MinerBrief, MinerFigures } from '../types'
import { Hashrate } from './figures'

type Props = { miners: MinerFigures[] }

export function TopMiners({ miners }: Props) {
  return (
    <section class="card" aria-label="Top miners">
      <h2>Top miners, 1h</h2>
      {miners.length === 0 ? (
        <p class="empty">No miner has worked in the last hour.</p>
      ) : (
        <table class="plain">
          <tbody>
            {miners.map(miner => (
              <tr key={miner.id}>
                <th scope="row"><MinerLink {...miner} /></th>
                <td class="number"><Hashrate value={miner.stats['1h'].hashrate} /></td>
                <td class="number muted">{count(miner.workers)} workers</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

/** The last quarter of an hour against the hour. */
export function BiggestDrops({ miners }: Props) {
  return (
    <section class="card" aria-label="Biggest drops in the last hour">
      <h2>Biggest drops, 15m against 1h</h2>
      {miners.length === 0 ? (
        <p class="empty">Nobody has dropped.</p>
      ) : (
        <table class="plain">
          <tbody>{miners.map(miner => <Drop key={miner.id} {...miner} />)}</tbody>
        </table>
      )}
    </section>
  )
}

function Drop(miner: MinerFigures) {
  const before = Number(miner.stats['1h'].hashrate)
  const drop = before - Number(miner.stats['15m'].hashrate)
  return (
    <tr>
      <th scope="row"><MinerLink {...miner} /></th>
      <td class="number">▼ <Hashrate value={drop.toFixed(2)} /></td>
      <td class="number muted">{percent((100 * drop) / before)}</td>
    </tr>
  )
}

function MinerLink({ id, title, account_name }: MinerBrief) {
  return <a href={minerHref(id)}>{title ?? account_name}</a>
}
