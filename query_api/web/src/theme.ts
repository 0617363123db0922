// Dark, light, or what the system prefers.

import { useEffect, useState } from 'preact/hooks'

export const THEMES = ['auto', 'dark', 'light'] as const
export type Theme = (typeof THEMES)[number]

const STORED = 'hashgauge.theme'
const CHANGED = 'hashgauge-theme'
const prefersLight = matchMedia('(prefers-color-scheme: light)')

export function storedTheme(): Theme {
  const stored = localStorage.getItem(STORED) as Theme | null
  return stored && THEMES.includes(stored) ? stored : 'auto'
}

export function applyTheme(theme: Theme): void {
  localStorage.setItem(STORED, theme)
  document.documentElement.dataset.theme = shown(theme)
  dispatchEvent(new Event(CHANGED))
}

function shown(theme: Theme): 'dark' | 'light' {
  if (theme !== 'auto') return theme
  return prefersLight.matches ? 'light' : 'dark'
}

// Not asked of `prefersLight`: a browser that is asked before it has told of a change tells no more.
function onScreen(): 'dark' | 'light' {
  return document.documentElement.dataset.theme === 'light' ? 'light' : 'dark'
}

/** The theme on the screen; charts are drawn on a canvas and have to be drawn anew with it. */
export function useTheme(): 'dark' | 'light' {
  const [theme, setTheme] = useState(onScreen())
  useEffect(() => {
    const onChange = () => setTheme(onScreen())
    onChange() // it may have changed since the first drawing
    addEventListener(CHANGED, onChange)
    return () => removeEventListener(CHANGED, onChange)
  }, [])
  return theme
}

prefersLight.addEventListener('change', () => applyTheme(storedTheme()))
