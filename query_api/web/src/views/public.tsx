// What anybody may see, without an account: a pool and its miners, if the pool's operator opened them.

import { useState } from 'preact/hooks'
import { btc, percent, utcDay } from '../format'
import { usePolled } from '../hooks'
import { Chart } from '../parts/charts/chart'
import { Ago, Hashrate, StatTiles, StatusMark } from '../parts/figures'
import { Name } from '../parts/name'
import { Refusal, Waiting } from '../parts/refusal'
import { ServerTable } from '../parts/lists/servers'
import { StatusTable } from '../parts/statuses'
import { publicMinerHref, publicPoolHref } from '../route'
import { useReport, useTitle } from '../shell'
import { filled, texts } from '../text'
import { count, exact } from '../text/numbers'
import type { PublicMiner, PublicPool } from '../answers/figures'

export function PublicPoolView({ id }: { id: string }) {
  const path = `/public/pools/${id}`
  const pool = usePolled<PublicPool>(path)
  const shown = pool.answer?.body
  useReport(pool)
  useTitle(shown?.title)
  if (pool.error && !pool.error.passing) return <Refusal error={pool.error} />
  if (!shown) return <Waiting error={pool.error} />
  return (
    <>
      <h1><Name>{shown.title}</Name></h1>
      {shown.miners_are_public && <FindMiner />}
      <StatTiles stats={shown.stats} />
      <Chart title={texts.figures.ofPool} path={query => `${path}/charts?${query}`} zeroIsGap />
      <div class="columns">
        <StatusTable counts={shown.workers} />
        <Terms pool={shown} />
      </div>
      <ServerTable servers={shown.servers} />
    </>
  )
}

function Terms({ pool }: { pool: PublicPool }) {
  const rates = [...pool.reward_rates].reverse()
  return (
    <section class="card" aria-label={texts.open.terms}>
      <h2>{texts.open.terms}</h2>
      <table class="plain">
        <tbody>
          <tr><th scope="row">{texts.workers.miners}</th><td class="number">{count(pool.miners)}</td></tr>
          <tr><th scope="row">{texts.open.fee}</th><td class="number">{pool.fee === null ? texts.open.notPublished : percent(100 * Number(pool.fee))}</td></tr>
          <tr><th scope="row">{texts.open.minPayout}</th><td class="number">{pool.min_payout === null ? texts.open.notPublished : btc(pool.min_payout)}</td></tr>
        </tbody>
      </table>
      {rates.length > 0 && (
        <>
          <h3>{texts.open.rates}</h3>
          <div class="long">
            <table>
              <thead><tr><th scope="col">{texts.open.day}</th><th scope="col" class="number">{texts.open.rate}</th></tr></thead>
              <tbody>
                {rates.map(({ day, rate_per_th }) => (
                  <tr key={day}><th scope="row">{utcDay(day)}</th><td class="number">{exact(rate_per_th)}</td></tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </section>
  )
}

/** By the name that the miner's machines log in with. */
export function FindMiner() {
  const [name, setName] = useState('')
  return (
    <form
      class="filters"
      role="search"
      onSubmit={event => {
        event.preventDefault()
        location.hash = publicMinerHref(name.trim())
      }}
    >
      <input
        type="search"
        required
        maxLength={128}
        aria-label={texts.open.name}
        placeholder={texts.open.name}
        value={name}
        onInput={event => setName(event.currentTarget.value)}
      />
      <button type="submit">{texts.open.lookUp}</button>
    </form>
  )
}

export function PublicMinerView({ id: name }: { id: string }) {
  const path = `/public/miners/${encodeURIComponent(name)}`
  const miner = usePolled<PublicMiner>(path)
  const shown = miner.answer?.body
  useReport(miner)
  useTitle(shown?.account_name)
  if (miner.error && !miner.error.passing)
    return miner.error.status === 404 ? <NotFound name={name} /> : <Refusal error={miner.error} />
  if (!shown) return <Waiting error={miner.error} />
  return (
    <>
      <h1><Name>{shown.account_name}</Name></h1>
      <p class="muted">
        {filled(texts.open.at, <a class="in-text" href={publicPoolHref(shown.pool.id)}><Name>{shown.pool.title}</Name></a>)}
      </p>
      <StatTiles stats={shown.stats} since={shown.created_at} />
      <Chart
        title={texts.figures.hashrateOf(shown.account_name)}
        path={query => `${path}/charts?${query}`}
        id={shown.id}
        since={shown.created_at}
      />
      <StatusTable counts={shown.workers} />
      <Strongest miner={shown} />
    </>
  )
}

function Strongest({ miner: { strongest_workers } }: { miner: PublicMiner }) {
  return (
    <section class="card" aria-label={texts.workers.title}>
      <h2>{texts.open.strongest}</h2>
      {strongest_workers.length === 0 ? (
        <p class="empty">{texts.workers.none}</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label={texts.workers.table}>
          <table>
            <thead>
              <tr>
                <th scope="col">{texts.workers.worker}</th>
                <th scope="col">{texts.workers.status}</th>
                <th scope="col" class="number">{texts.spans['15m']}</th>
                <th scope="col" class="number">{texts.spans['1h']}</th>
                <th scope="col" class="number">{texts.spans['1d']}</th>
                <th scope="col" class="number">{texts.workers.lastShare}</th>
              </tr>
            </thead>
            <tbody>
              {strongest_workers.map(({ name, status, stats, last_share_at }) => (
                <tr key={name}>
                  <th scope="row"><Name>{name}</Name></th>
                  <td><StatusMark status={status} /></td>
                  <td class="number"><Hashrate value={stats['15m'].hashrate} /></td>
                  <td class="number"><Hashrate value={stats['1h'].hashrate} /></td>
                  <td class="number"><Hashrate value={stats['1d'].hashrate} /></td>
                  <td class="number"><Ago iso={last_share_at} /></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

function NotFound({ name }: { name: string }) {
  return (
    <div class="empty" role="alert">
      <h1>{texts.open.noMiner}</h1>
      <p>{filled(texts.open.noMinerHint, <Name>{name}</Name>)}</p>
      <FindMiner />
      <p><a class="in-text" href="#/">{texts.access.toStart}</a></p>
    </div>
  )
}
