// The dashboard's start: theme, watcher token, and the view that the address names.

import { render } from 'preact'
import { watcherToken } from './api'
import { takeWatcherToken, useRoute } from './route'
import { Shell } from './shell'
import { applyTheme, storedTheme } from './theme'
import { HomeView } from './views/home'
import { MinerView } from './views/miner'
import { PoolView } from './views/pool'
import { WorkerView } from './views/worker'

function App() {
  const route = useRoute()
  // A watcher link that is opened over the start page asks who that may be anew.
  const key = 'id' in route ? route.id : `home ${watcherToken()}`
  return <Shell key={key}>{view(route)}</Shell>
}

function view(route: ReturnType<typeof useRoute>) {
  switch (route.view) {
    case 'pool':
      return <PoolView id={route.id} />
    case 'miner':
      return <MinerView id={route.id} />
    case 'worker':
      return <WorkerView id={route.id} />
    default:
      return <HomeView />
  }
}

applyTheme(storedTheme())
takeWatcherToken()
const app = document.getElementById('app')!
app.replaceChildren()
render(<App />, app)
