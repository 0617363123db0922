// What stands around every view: the bar with the age of the data, errors, theme, sign-out.

import { createContext } from 'preact'
import type { ComponentChildren } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'
import { type Answer, type ApiError, BASE, ROOT } from './service/api'
import { credential, forget } from './service/credentials'
import { useAction, usePolled } from './hooks'
import { IDENTITY, signOut } from './service/identity'
import { Ago } from './parts/figures'
import { texts } from './text'
import type { CurrentUser } from './answers/figures'
import { chooseLanguage, language, LANGUAGES } from './text/language'
import { applyTheme, storedTheme } from './theme'
import { chooseZone, zone } from './zone'

export type Freshness = { answer: Answer<unknown> | null; error: ApiError | null }

const Report = createContext<(freshness: Freshness) => void>(() => {})

/** A view tells the shell how fresh its main figures are. */
export function useReport(freshness: Freshness): void {
  const report = useContext(Report)
  const { answer, error } = freshness
  // A refusal stands in the view itself.
  useEffect(() => report({ answer, error: error?.passing ? error : null }), [answer, error])
}

/** The name of what is looked at, for the browser's tab. */
export function useTitle(name: string | undefined): void {
  useEffect(() => {
    document.title = name ? `${name} · Hashgauge` : 'Hashgauge'
  }, [name])
}

export function Shell({ children }: { children: ComponentChildren }) {
  const [freshness, setFreshness] = useState<Freshness>({ answer: null, error: null })
  return (
    <Report.Provider value={setFreshness}>
      <a class="skip" href="#main" onClick={event => (event.preventDefault(), document.getElementById('main')!.focus())}>
        {texts.page.skip}
      </a>
      <Bar {...freshness} />
      <Trouble {...freshness} />
      <main id="main" tabIndex={-1}>{children}</main>
      <footer class="foot">
        <a href={`${ROOT}documents/contents`}>{texts.page.documents}</a>
        <a href={`${BASE}/docs`}>{texts.page.reference}</a>
      </footer>
    </Report.Provider>
  )
}

function Bar({ answer }: Freshness) {
  const held = credential()
  const asOf = answer?.asOf ? new Date(answer.asOf).toISOString() : null
  return (
    <header class="bar">
      <a class="brand" href="#/"><img src={`${ROOT}assets/icon.svg`} alt="" width="24" height="24" /> Hashgauge</a>
      <span class="as-of muted">{asOf && <Ago iso={asOf} prefix={texts.page.asOf} />}</span>
      <Choice label={texts.page.theme} names={texts.page.themes} chosen={storedTheme()} onChoose={applyTheme} />
      <Choice label={texts.page.language} names={LANGUAGES} chosen={language} onChoose={chooseLanguage} />
      <Choice label={texts.page.zone} names={texts.page.zones} chosen={zone} onChoose={chooseZone} />
      {held && (
        <button type="button" onClick={leave} title={texts.page.forget(texts.page.credentials[held.kind])}>
          <span class="muted">{texts.page.credentials[held.kind]}</span> {texts.page.leave}
        </button>
      )}
      {!held && IDENTITY && <Account />}
    </header>
  )
}

/** Of a person who has signed in; nothing for others. */
function Account() {
  const user = usePolled<CurrentUser>('/user')
  const action = useAction()
  if (!user.answer?.body.user) return null
  return (
    <span class="account">
      <a href="#/sign-in/settings">{texts.page.account}</a>
      <button type="button" disabled={action.busy} title={action.trouble ?? undefined} onClick={() => action.run(() => signOut().then(leave))}>
        {action.trouble ? texts.page.signOutAgain : texts.page.signOut}
      </button>
    </span>
  )
}

type ChoiceProps<T extends string> = {
  label: string
  names: Record<T, string>
  chosen: T
  onChoose: (next: T) => void
}

function Choice<T extends string>({ label, names, chosen, onChoose }: ChoiceProps<T>) {
  return (
    <select aria-label={label} onChange={event => onChoose(event.currentTarget.value as T)}>
      {(Object.keys(names) as T[]).map(name => (
        <option key={name} value={name} selected={name === chosen}>{names[name]}</option>
      ))}
    </select>
  )
}

function leave(): void {
  forget()
  location.hash = '#/'
  location.reload()
}

/** One bar for what is wrong; it goes by itself when the service is back. */
function Trouble({ answer, error }: Freshness) {
  if (error)
    return (
      <div class="trouble" role="alert">
        ▲ {error.message}.{error.passing && ` ${answer ? texts.page.retryingWithLast : texts.page.retrying}`}
      </div>
    )
  if (answer?.stale)
    return (
      <div class="trouble" role="alert">
        ▲ {texts.page.stale}
      </div>
    )
  return null
}
