// Whether times are those of the browser's zone or UTC. Accounts have UTC days in both.

export const ZONES = ['local', 'utc'] as const
export type Zone = (typeof ZONES)[number]

const STORED = 'hashgauge.zone'

export const zone: Zone = localStorage.getItem(STORED) === 'utc' ? 'utc' : 'local'
/** For Intl; undefined is the browser's. */
export const timeZone = zone === 'utc' ? 'UTC' : undefined

/** Like another language: the page starts anew. */
export function chooseZone(next: Zone): void {
  localStorage.setItem(STORED, next)
  location.reload()
}
