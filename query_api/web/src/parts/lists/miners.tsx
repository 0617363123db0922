// Miners of a pool: the largest, and those that have just lost the most.

import { percent } from '../../format'
import { minerHref } from '../../route'
import { texts } from '../../text'
import type { MinerBrief, MinerFigures } from '../../answers/figures'
import { Hashrate } from '../figures'
import { Name } from '../name'

type Props = { miners: MinerFigures[] }

export function TopMiners({ miners }: Props) {
  return (
    <section class="card" aria-label={texts.workers.top}>
      <h2>{texts.workers.topTitle}</h2>
      {miners.length === 0 ? (
        <p class="empty">{texts.workers.noneWorked}</p>
      ) : (
        <table class="plain">
          <tbody>
            {miners.map(miner => (
              <tr key={miner.id}>
                <th scope="row"><MinerLink {...miner} /></th>
                <td class="number"><Hashrate value={miner.stats['1h'].hashrate} /></td>
                <td class="number muted">{texts.page.counts.workers(miner.workers)}</td>
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
    <section class="card" aria-label={texts.workers.drops}>
      <h2>{texts.workers.dropsTitle}</h2>
      {miners.length === 0 ? (
        <p class="empty">{texts.workers.noDrop}</p>
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
  return <a href={minerHref(id)}><Name>{title ?? account_name}</Name></a>
}
