// A worker's shares as counts, its hashrate beside its own normal, and what its shares said of it.

import { bothTimes, percent, significant } from '../../format'
import { texts } from '../../text'
import { count } from '../../text/numbers'
import { type Normal, type WorkerDetails, WINDOWS } from '../../answers/figures'
import { Ago, Hashrate } from '../figures'
import { Name } from '../name'

export function WorkerShares({ worker }: { worker: WorkerDetails }) {
  const { normal, shares, hardware, uptime } = worker
  return (
    <div class="columns">
      <section class="card" aria-label={texts.workers.shares.title}>
        <h2>{texts.workers.shares.title}</h2>
        {shares ? (
          <table class="plain">
            <thead>
              <tr>
                <th scope="col">{texts.workers.shares.window}</th>
                <th scope="col" class="number">{texts.workers.shares.accepted}</th>
                <th scope="col" class="number">{texts.figures.rejected}</th>
                <th scope="col" class="number">{texts.workers.shares.perMinute}</th>
              </tr>
            </thead>
            <tbody>
              {WINDOWS.map(window => (
                <tr key={window}>
                  <th scope="row">{texts.spans[window]}</th>
                  <td class="number">{count(shares[window].accepted)}</td>
                  <td class="number">{count(shares[window].rejected)}</td>
                  <td class="number">{significant(shares[window].per_minute)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        ) : (
          <p class="empty">{texts.workers.shares.none}</p>
        )}
      </section>
      <section class="card" aria-label={texts.workers.shares.performance}>
        <h2>{texts.workers.shares.performance}</h2>
        <table class="plain">
          <tbody>
            <NormalRows normal={normal} />
            <tr>
              <th scope="row">{texts.workers.shares.uptime}</th>
              <td class="number">{uptime === null ? texts.workers.shares.notKnown : percent(100 * uptime)}</td>
            </tr>
            {hardware.best_difficulty !== null && (
              <tr>
                <th scope="row">{texts.workers.shares.best}</th>
                <td class="number">
                  <span title={hardware.best_difficulty_at ? bothTimes(hardware.best_difficulty_at) : undefined}>
                    {count(Math.round(hardware.best_difficulty))}
                  </span>
                  {' · '}
                  <Ago iso={hardware.best_difficulty_at} />
                </td>
              </tr>
            )}
            {hardware.agent !== null && (
              <tr>
                <th scope="row">{texts.workers.shares.software}</th>
                <td class="number"><Name>{hardware.agent}</Name></td>
              </tr>
            )}
          </tbody>
        </table>
      </section>
    </div>
  )
}

function NormalRows({ normal }: { normal: Normal }) {
  if (normal.window === null || normal.effective === null) return null
  return (
    <>
      <tr>
        <th scope="row">{texts.workers.shares.effective(texts.spans[normal.window])}</th>
        <td class="number">
          <Hashrate value={normal.effective} />
          {normal.error !== null && <span class="muted">{texts.workers.shares.error(percent(100 * normal.error))}</span>}
        </td>
      </tr>
      <tr>
        <th scope="row">{texts.workers.shares.expected}</th>
        <td class="number">
          {normal.expected === null ? texts.workers.shares.afterDay : <Hashrate value={normal.expected} />}
        </td>
      </tr>
    </>
  )
}
