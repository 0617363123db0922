// Numbers and times as people read them. The exact value goes into the title of the element.

import { texts } from './text'
import { locale, utcLocale } from './text/language'
import { exact, fixed } from './text/numbers'
import { timeZone, zone } from './zone'

const UNITS = ['H/s', 'kH/s', 'MH/s', 'GH/s', 'TH/s', 'PH/s', 'EH/s', 'ZH/s']

/** Three significant digits and a unit: "90697492495655.83" → "90.7 TH/s". */
export function hashrate(value: string | number): string {
  const { scaled, unit } = scale(Number(value))
  return `${significant(scaled)} ${unit}`
}

/** All digits of a decimal string, grouped: "90,697,492,495,655.83 H/s". */
export function exactHashrate(value: string): string {
  return `${exact(value)} H/s`
}

/** An exact amount with its unit. */
export function btc(amount: string): string {
  return `${exact(amount)} BTC`
}

/** The unit that suits the largest value of a chart, and what to divide by. */
export function unitFor(largest: number): { unit: string; divisor: number } {
  const { unit, divisor } = scale(largest)
  return { unit, divisor }
}

function scale(value: number): { scaled: number; unit: string; divisor: number } {
  let divisor = 1
  let step = 0
  // 999.5 and more are shown with three digits: as 1.00 of the next unit.
  while (Math.abs(value) / divisor >= 999.5 && step < UNITS.length - 1) {
    divisor *= 1000
    step += 1
  }
  return { scaled: value / divisor, unit: UNITS[step]!, divisor }
}

export function significant(value: number): string {
  if (value === 0) return '0'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return fixed(value, digits)
}

/** Share of rejected work: 100 × rejectrate ÷ (hashrate + rejectrate), 0 where nothing came. */
export function rejectPercent(rates: { hashrate: string; rejectrate: string }): number {
  const rejected = Number(rates.rejectrate)
  const submitted = Number(rates.hashrate) + rejected
  return submitted > 0 ? (100 * rejected) / submitted : 0
}

export function percent(value: number): string {
  if (value === 0 || value === 100) return `${value} %`
  if (value < 0.01) return `< ${fixed(0.01, 2)} %`
  if (value > 99.9) return `> ${fixed(99.9, 1)} %`
  return `${fixed(value, value < 10 ? 2 : 1)} %`
}

/** "3 min ago"; `now` in milliseconds. */
export function ago(iso: string | null, now: number): string {
  if (!iso) return texts.page.never
  return texts.page.ago(duration(Math.max(0, (now - Date.parse(iso)) / 1000)))
}

export function duration(seconds: number): string {
  const { units } = texts
  if (seconds < 90) return `${Math.round(seconds)} ${units.s}`
  if (seconds < 5400) return `${Math.round(seconds / 60)} ${units.min}`
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} ${units.h}`
  return `${Math.round(seconds / 86_400)} ${units.d}`
}

const CHOSEN = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium', timeZone })
const CLOCK = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone })
const DAY = new Intl.DateTimeFormat(locale, { month: 'short', day: 'numeric', timeZone })
const WEEKDAY = new Intl.DateTimeFormat(locale, { weekday: 'short', timeZone: 'UTC' })

const day = { year: 'numeric', month: '2-digit', day: '2-digit', timeZone: 'UTC' } as const
const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
const UTC_MONTH = new Intl.DateTimeFormat(utcLocale, { year: 'numeric', month: '2-digit', timeZone: 'UTC' })
const UTC_DAY = new Intl.DateTimeFormat(utcLocale, day)
const UTC_MINUTE = new Intl.DateTimeFormat(utcLocale, { ...day, ...clock })
const UTC_SECOND = new Intl.DateTimeFormat(utcLocale, { ...day, ...clock, second: '2-digit' })
const UTC_CLOCK = new Intl.DateTimeFormat(utcLocale, { ...clock, timeZone: 'UTC' })

/** What stands in the title of a time: as chosen, and UTC. */
export function bothTimes(iso: string): string {
  return zone === 'utc' ? utc(iso) : `${CHOSEN.format(new Date(iso))} (${utc(iso)})`
}

/** A time of a chart: its day at midnight, else the clock. */
export function tick(seconds: number): string {
  const time = new Date(seconds * 1000)
  const text = CLOCK.format(time)
  return text === '00:00' ? DAY.format(time) : text
}

/** "25 Nov, 17:30 (16:30 UTC)": short, for a phone. */
export function moment(seconds: number): string {
  const time = new Date(seconds * 1000)
  const own = zone === 'utc' ? '' : ` (${UTC_CLOCK.format(time)} UTC)`
  return `${DAY.format(time)}, ${CLOCK.format(time)}${own || ' UTC'}`
}

export function utc(iso: string): string {
  return `${UTC_SECOND.format(new Date(iso))} UTC`
}

export function utcMinute(iso: string): string {
  return UTC_MINUTE.format(new Date(iso))
}

/** A day of accounts is a UTC day. */
export function utcDay(iso: string): string {
  return UTC_DAY.format(new Date(iso))
}

/** Of "2026-11"; an address may hold anything. */
export function utcMonth(month: string): string {
  const first = Date.parse(`${month}-01`)
  return Number.isNaN(first) ? month : UTC_MONTH.format(first)
}

export function weekday(date: string): string {
  return WEEKDAY.format(new Date(date))
}

/** "+0.5", "−0.5", "0.0": as a difference is read. */
export function signed(amount: string): string {
  const size = exact(amount.replace('-', ''))
  if (/^-?[0.]+$/.test(amount)) return size
  return amount.startsWith('-') ? `−${size}` : `+${size}`
}
