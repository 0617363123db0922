// Numbers as the page's language writes them, and the form that a noun has after one.

import { locale } from './language'

const wholes = new Intl.NumberFormat(locale)
const rules = new Intl.PluralRules(locale)
const signs = wholes.formatToParts(11_111.5)
const GROUP = signs.find(({ type }) => type === 'group')!.value
const DECIMAL = signs.find(({ type }) => type === 'decimal')!.value

export function count(value: number): string {
  return wholes.format(value)
}

export function fixed(value: number, digits: number): string {
  return exact(value.toFixed(digits))
}

/** All digits of a decimal text, grouped: "90697492495655.83" → "90,697,492,495,655.83". */
export function exact(text: string): string {
  const [whole = '0', rest] = text.split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, GROUP)
  return rest === undefined ? grouped : grouped + DECIMAL + rest
}

/** What somebody typed, as the API reads it. A sign of another language stays, and is refused. */
export function typedNumber(text: string): string {
  return DECIMAL === '.' ? text.trim() : text.replace(/\s/g, '').replace(DECIMAL, '.')
}

export type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }

/** "2 batches", "1 batch". */
export function plural(value: number, forms: Forms): string {
  return `${count(value)} ${forms[rules.select(value)] ?? forms.other}`
}
