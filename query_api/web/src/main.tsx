// The dashboard's start: theme, watcher token, and the view that the address names.

import { render } from 'preact'
import { later } from './later'
import { credential } from './service/credentials'
import { takeFlowAddress, takeWatcherToken, useRoute } from './route'
import { Shell } from './shell'
import { language } from './text/language'
import { applyTheme, storedTheme } from './theme'
import { HomeView } from './views/home'
import { MinerView } from './views/miner'
import { OperatorView } from './views/operator'
import { PoolView } from './views/pool'
import { WorkerView } from './views/worker'

const InvitationView = later(async () => (await import('./views/invitation')).InvitationView)
const MoneyView = later(async () => (await import('./views/money')).MoneyView)
const PayoutsView = later(async () => (await import('./views/payouts')).PayoutsView)
const PublicMinerView = later(async () => (await import('./views/public')).PublicMinerView)
const PublicPoolView = later(async () => (await import('./views/public')).PublicPoolView)
const SharingView = later(async () => (await import('./views/sharing')).SharingView)
const SignInView = later(async () => (await import('./views/sign_in')).SignInView)
const StatementView = later(async () => (await import('./views/statement')).StatementView)

function App() {
  const route = useRoute()
  // A watcher link that is opened over the start page asks who that may be anew.
  const key = 'id' in route ? `${route.view} ${route.id}` : `${route.view} ${credential()?.value}`
  return <Shell key={key}>{view(route)}</Shell>
}

function view(route: ReturnType<typeof useRoute>) {
  switch (route.view) {
    case 'pool':
      return <PoolView id={route.id} />
    case 'operator':
      return <OperatorView id={route.id} />
    case 'miner':
      return <MinerView id={route.id} />
    case 'worker':
      return <WorkerView id={route.id} />
    case 'money':
      return <MoneyView id={route.id} />
    case 'statement':
      return <StatementView id={route.id} />
    case 'sharing':
      return <SharingView id={route.id} />
    case 'payouts':
      return <PayoutsView id={route.id} />
    case 'public-pool':
      return <PublicPoolView id={route.id} />
    case 'public-miner':
      return <PublicMinerView id={route.id} />
    case 'sign-in':
      return <SignInView kind={route.id} />
    case 'invitation':
      return <InvitationView />
    default:
      return <HomeView />
  }
}

document.documentElement.lang = language
applyTheme(storedTheme())
takeFlowAddress()
takeWatcherToken()
const app = document.getElementById('app')!
app.replaceChildren()
render(<App />, app)
