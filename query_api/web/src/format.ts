// Numbers and times as people read them. The exact value goes into the title of the element.

const UNITS = ['H/s', 'kH/s', 'MH/s', 'GH/s', 'TH/s', 'PH/s', 'EH/s', 'ZH/s']

/** Three significant digits and a unit: "90697492495655.83" → "90.7 TH/s". */
export function hashrate(value: string | number): string {
  const { scaled, unit } = scale(Number(value))
  return `${significant(scaled)} ${unit}`
}

/** All digits of a decimal string, grouped: "90,697,492,495,655.83 H/s". */
export function exactHashrate(value: string): string {
  const [whole = '0', cents = '00'] = value.split('.')
  return `${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${cents} H/s`
}

/** The unit that suits the largest value of a chart, and what to divide by. */
export function unitFor(largest: number): { unit: string; divisor: number } {
  const { unit, divisor } = scale(largest)
  return { unit, divisor }
}

function scale(value: number): { scaled: number; unit: string; divisor: number } {
  let divisor = 1
  let step = 0
  while (Math.abs(value) / divisor >= 1000 && step < UNITS.length - 1) {
    divisor *= 1000
    step += 1
  }
  return { scaled: value / divisor, unit: UNITS[step]!, divisor }
}

export function significant(value: number): string {
  if (value === 0) return '0'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toFixed(digits)
}

/** Share of rejected work: 100 × rejectrate ÷ (hashrate + rejectrate), 0 where nothing came. */
export function rejectPercent(rates: { hashrate: string; rejectrate: string }): number {
  const rejected = Number(rates.rejectrate)
  const submitted = Number(rates.hashrate) + rejected
  return submitted > 0 ? (100 * rejected) / submitted : 0
}

export function percent(value: number): string {
  if (value === 0 || value === 100) return `${value} %`
  if (value < 0.01) return '< 0.01 %'
  if (value > 99.9) return '> 99.9 %'
  return `${value.toFixed(value < 10 ? 2 : 1)} %`
}

export function count(value: number): string {
  return value.toLocaleString('en-US')
}

/** "3 min ago"; `now` in milliseconds. */
export function ago(iso: string | null, now: number): string {
  if (!iso) return 'never'
  return `${duration(Math.max(0, (now - Date.parse(iso)) / 1000))} ago`
}

export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

export function localTime(iso: string): string {
  return new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
}

export function utc(iso: string): string {
  return `${new Date(iso).toISOString().replace('T', ' ').slice(0, 19)} UTC`
}

/** What stands in the title of a time: local, and UTC. */
export function bothTimes(iso: string): string {
  return `${localTime(iso)} (${utc(iso)})`
}
