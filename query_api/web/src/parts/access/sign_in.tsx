// The ways in: Kratos' flows if people sign in here, and a key.

import { useEffect, useState } from 'preact/hooks'
import { credential, forget } from '../../service/credentials'
import { useAction, usePolled } from '../../hooks'
import { begin, type Flow, type FlowKind, IDENTITY, type Step, submit } from '../../service/identity'
import { parseRoute, publicPoolHref } from '../../route'
import { texts } from '../../text'
import { FlowForms } from './flow'
import { Trouble } from '../form'
import { KeyForm } from './key_form'

const LINKS: Record<FlowKind, FlowKind[]> = {
  login: ['registration', 'recovery'],
  registration: ['login'],
  recovery: ['login'],
  verification: [],
  settings: [],
}

/** In the place of what needs somebody: it shows when they are in. */
export function SignIn() {
  return (
    <section class="card sign-in">
      {IDENTITY ? (
        <>
          <FlowView kind="login" query="" />
          {/* Open if a key did not work: it says so. */}
          <details open={credential() !== null}>
            <summary>{texts.access.withKey}</summary>
            <KeyForm />
          </details>
        </>
      ) : (
        <>
          <h1>{texts.access.flows.login}</h1>
          <p>{texts.access.pasteKey}</p>
          <KeyForm />
        </>
      )}
      <PublicPage />
    </section>
  )
}

/** The way to the pool's open page, if its operator has opened one. */
function PublicPage() {
  const pool = usePolled<{ id: string; public_page: boolean }>('/pool').answer?.body
  if (!pool?.public_page) return null
  return <p class="hint"><a class="in-text" href={publicPoolHref(pool.id)}>{texts.access.publicPage}</a></p>
}

/** A flow of Kratos from its beginning, or from where its address left it. */
export function FlowView({ kind, query }: { kind: FlowKind; query: string }) {
  const [at, setAt] = useState({ kind, query })
  const [shown, setShown] = useState<{ flow: Flow; place: number } | null>(null)
  const action = useAction()
  const follow = (step: Step) => {
    if ('flow' in step) return setShown(old => ({ flow: step.flow, place: (old?.place ?? 0) + 1 }))
    const route = parseRoute(step.next)
    if (route.view === 'sign-in') {
      // A step of the same flow stays where it stands; another flow is another view.
      if (route.id !== at.kind) location.hash = step.next
      else setAt({ kind: route.id, query: step.next.split('?')[1] ?? '' })
      return
    }
    if (!step.next.startsWith('#')) return location.assign(step.next)
    enter()
  }
  useEffect(() => {
    setShown(null)
    action.run(async () => follow(await begin(at.kind, at.query)))
  }, [at])
  const send = (form: URLSearchParams) =>
    action.run(async () => follow(await submit(at.kind, shown!.flow, form)))
  return (
    <>
      <h1>{texts.access.flows[at.kind]}</h1>
      {shown ? (
        <FlowForms key={shown.place} flow={shown.flow} titled={at.kind === 'settings'} busy={action.busy} onSubmit={send} />
      ) : (
        action.busy && <p class="hint">{texts.page.loading}</p>
      )}
      <Trouble action={action} />
      {!shown && action.trouble && <button type="button" onClick={() => setAt({ ...at })}>{texts.access.tryAgain}</button>}
      <p class="links">
        {LINKS[at.kind].map(other => <a key={other} class="in-text" href={`#/sign-in/${other}`}>{texts.access.flows[other]}</a>)}
        {LINKS[at.kind].length === 0 && <a class="in-text" href="#/">{texts.access.toStart}</a>}
      </p>
    </>
  )
}

/** The session's cookie is there: what asked for it shows now, without the key that did not open it. */
function enter(): void {
  forget()
  if (parseRoute(location.hash).view === 'sign-in') history.replaceState(null, '', '#/')
  location.reload()
}
