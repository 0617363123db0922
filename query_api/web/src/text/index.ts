// All sentences of the page in its language.

import type { ComponentChildren } from 'preact'
import { en } from './en'
import { language } from './language'

export type Texts = typeof en

// Whoever reads English does not wait for the Russian.
export const texts: Texts = language === 'ru' ? (await import('./ru')).ru : en

/** The text for a name of the API; a name that is newer than this page stands for itself. */
export function textOf(names: Partial<Record<string, string>>, name: string): string {
  return names[name] ?? name.replaceAll('_', ' ')
}

/** A sentence around parts of the page: links, names, figures. */
export function filled(sentence: (...slots: string[]) => string, ...parts: ComponentChildren[]): ComponentChildren[] {
  const slots = parts.map((_, place) => String.fromCharCode(FIRST_SLOT + place))
  const pieces = sentence(...slots).split(/([\ue000-\ue00f])/)
  return pieces.map(piece => parts[piece.charCodeAt(0) - FIRST_SLOT] ?? piece)
}

// For private use: in no sentence of ours.
const FIRST_SLOT = 0xe000
