// What stands around every view: the bar with the age of the data, errors, theme, sign-out.

import { createContext } from 'preact'
import type { ComponentChildren } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'
import { type Answer, type ApiError, forgetCredentials, hasCredentials } from './api'
import { Ago } from './parts/figures'
import { applyTheme, storedTheme, THEMES, type Theme } from './theme'

export type Freshness = { answer: Answer<unknown> | null; error: ApiError | null }

const Report = createContext<(freshness: Freshness) => void>(() => {})

/** A view tells the shell how fresh its main figures are. */
export function useReport(freshness: Freshness): void {
  const report = useContext(Report)
  useEffect(() => report(freshness), [freshness.answer, freshness.error])
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
        Skip to content
      </a>
      <Bar {...freshness} />
      <Trouble {...freshness} />
      <main id="main" tabIndex={-1}>{children}</main>
    </Report.Provider>
  )
}

function Bar({ answer }: Freshness) {
  const asOf = answer?.asOf ? new Date(answer.asOf).toISOString() : null
  return (
    <header class="bar">
      <a class="brand" href="#/"><img src="/assets/icon.svg" alt="" width="24" height="24" /> Hashgauge</a>
      <span class="as-of muted">{asOf && <Ago iso={asOf} prefix="as of " />}</span>
      <ThemeSelect />
      {hasCredentials() && <button type="button" onClick={leave}>Leave</button>}
    </header>
  )
}

function ThemeSelect() {
  const [theme, setTheme] = useState<Theme>(storedTheme())
  return (
    <select
      aria-label="Theme"
      value={theme}
      onChange={event => {
        const next = event.currentTarget.value as Theme
        setTheme(next)
        applyTheme(next)
      }}
    >
      {THEMES.map(name => <option key={name} value={name}>{name}</option>)}
    </select>
  )
}

function leave(): void {
  forgetCredentials()
  location.hash = '#/'
  location.reload()
}

/** One bar for what is wrong; it goes by itself when the service is back. */
function Trouble({ answer, error }: Freshness) {
  if (error)
    return (
      <div class="trouble" role="alert">
        ▲ {error.message}.{' '}
        {error.passing && 'Trying again by itself'}
        {error.passing && (answer ? '; what you see is the last known.' : '.')}
      </div>
    )
  if (answer?.stale)
    return (
      <div class="trouble" role="alert">
        ▲ The figures are more than a minute old: the service is catching up.
      </div>
    )
  return null
}
