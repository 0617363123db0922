// The pages of one thing, as far as the caller may open them.

import { credential } from '../service/credentials'
import { usePolled } from '../hooks'
import { minerHref, moneyHref, payoutsHref, poolHref, sharingHref, statementHref } from '../route'
import { texts } from '../text'

/** Whether the API lets the caller read this: its answer is the rule, and no token stands in an address. */
function useMayRead(path: string | null): boolean {
  return usePolled<unknown>(path).answer !== null
}

export function MinerSections({ id, at }: { id: string; at: 'workers' | 'money' | 'statement' | 'sharing' }) {
  const money = useMayRead(`/miners/${id}/payments?limit=1`)
  // A watcher link changes nothing.
  const sharing = useMayRead(credential()?.kind === 'watcher' ? null : `/miners/${id}/watchers?limit=1`)
  if (!money && !sharing) return null
  const pages = [
    { name: 'workers', title: texts.workers.title, href: minerHref(id) },
    ...(money
      ? [
          { name: 'money', title: texts.money.title, href: moneyHref(id) },
          { name: 'statement', title: texts.money.statement, href: statementHref(id) },
        ]
      : []),
    ...(sharing ? [{ name: 'sharing', title: texts.sharing.title, href: sharingHref(id) }] : []),
  ]
  return <Sections pages={pages} at={at} />
}

export function PoolSections({ id, at }: { id: string; at: 'pool' | 'payouts' }) {
  const payouts = useMayRead(`/pools/${id}/payout-batches?limit=1`)
  if (!payouts) return null
  const pages = [
    { name: 'pool', title: texts.access.pool, href: poolHref(id) },
    { name: 'payouts', title: texts.payouts.title, href: payoutsHref(id) },
  ]
  return <Sections pages={pages} at={at} />
}

type Entry = { name: string; title: string; href: string }

function Sections({ pages, at }: { pages: Entry[]; at: string }) {
  return (
    <nav class="sections" aria-label={texts.page.pages}>
      {pages.map(({ name, title, href }) => (
        <a key={name} href={href} {...(name === at && { 'aria-current': 'page' as const })}>{title}</a>
      ))}
    </nav>
  )
}
