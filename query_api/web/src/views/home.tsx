// Where to go: the pool, the miners that the caller may see, or the way in.

import { useEffect } from 'preact/hooks'
import { usePolled } from '../hooks'
import { IDENTITY } from '../service/identity'
import { FirstShare } from '../parts/first_share'
import { Invitations } from '../parts/access/invitations'
import { Name } from '../parts/name'
import { Refusal, Waiting } from '../parts/refusal'
import { minerHref, operatorHref, parseRoute, poolHref } from '../route'
import { useReport } from '../shell'
import { filled, texts } from '../text'
import type { CurrentUser, Permission } from '../answers/figures'

export function HomeView() {
  const user = usePolled<CurrentUser>('/user')
  const permissions = user.answer?.body.permissions.filter(({ type }) => type in HREFS)
  const invitations = user.answer?.body.invitations ?? []
  const only = permissions?.length === 1 && invitations.length === 0 ? hrefOf(permissions[0]!) : null
  useReport(user)
  useEffect(() => {
    // Whoever may see one thing only need not choose it, unless somebody has gone on already.
    if (only && parseRoute(location.hash).view === 'home') location.replace(only)
  }, [only])
  if (user.error && !user.error.passing) return <Refusal error={user.error} />
  if (!permissions || only) return <Waiting error={user.error} />
  if (permissions.length === 0)
    return user.answer?.body.user ? (
      <>
        <h1>{texts.access.nothingOpen}</h1>
        <Invitations waiting={invitations} />
        <p class="empty">
          {IDENTITY
            ? filled(
                texts.access.askOwnerAndVerify,
                <a class="in-text" href="#/sign-in/verification">{texts.access.verifyAddress}</a>,
              )
            : texts.access.askOwner}
        </p>
      </>
    ) : (
      <>
        <h1>{texts.access.noPool}</h1>
        <p class="empty">{texts.access.poolAppears}</p>
        <FirstShare />
      </>
    )
  return (
    <>
      <h1>{texts.access.yours}</h1>
      <Invitations waiting={invitations} />
      {permissions.map(permission => (
        <p class="card" key={permission.id}>
          <a href={hrefOf(permission)}><Name>{nameOf(permission)}</Name></a>
        </p>
      ))}
    </>
  )
}

const HREFS: Record<string, (id: string) => string> = {
  pool: poolHref,
  operator: operatorHref,
  miner: minerHref,
}

function hrefOf({ type, id }: Permission): string {
  return HREFS[type]!(id)
}

function nameOf({ type, account_name }: Permission): string {
  return account_name ?? (type === 'operator' ? texts.access.operator : texts.access.pool)
}
