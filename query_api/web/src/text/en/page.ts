// What stands around every view, and small words of all of them.

import { plural } from '../numbers'

const counts = {
  workers: (all: number) => plural(all, { one: 'worker', other: 'workers' }),
  miners: (all: number) => plural(all, { one: 'miner', other: 'miners' }),
  batches: (all: number) => plural(all, { one: 'batch', other: 'batches' }),
  payments: (all: number) => plural(all, { one: 'payment', other: 'payments' }),
  links: (all: number) => plural(all, { one: 'link', other: 'links' }),
}

export const units = { s: 's', min: 'min', h: 'h', d: 'd' }

export const page = {
  skip: 'Skip to content',
  account: 'Account',
  signOutAgain: 'Sign out again',
  signOut: 'Sign out',
  theme: 'Theme',
  loading: 'Loading…',
  notLoaded: 'This part of the page could not be loaded.',
  loadAgain: 'Load the page again',
  copied: 'Copied',
  copyByHand: 'Select the text and copy it',
  never: 'never',
  previous: '← Previous',
  next: 'Next →',
  pages: 'Pages',
  rows: 'Rows',
  close: 'Close',
  ago: (time: string) => `${time} ago`,
  asOf: 'as of ',
  forget: (what: string) => `Forget the ${what} of this page`,
  credentials: { watcher: 'watcher link', 'user key': 'API key', 'internal key': 'internal key' },
  leave: 'Leave',
  themes: { auto: 'auto', dark: 'dark', light: 'light' },
  language: 'Language',
  zone: 'Times',
  zones: { local: 'local time', utc: 'UTC' },
  retrying: 'Trying again by itself.',
  retryingWithLast: 'Trying again by itself; what you see is the last known.',
  stale: 'The figures are more than a minute old: no newer ones have been computed since.',
  noAnswer: 'The service does not answer',
  /** By code; the API's own sentence without one. */
  errors: {} as Partial<Record<string, string>>,
  copy: 'Copy',
  save: 'Save what is shown',
  saveAs: (kind: string) => `Save what is shown as ${kind}`,
  documents: 'Documents',
  reference: 'API reference',
  page: 'Page',
  ofPages: (pages: string) => `of ${pages}`,
  range: (from: string, to: string, all: string) => `${from}–${to} of ${all}`,
  counts,
  /** After "of". */
  ofCounts: counts,
  pagesOf: {
    workers: 'Pages of workers',
    miners: 'Pages of miners',
    batches: 'Pages of batches',
    payments: 'Pages of payments',
    links: 'Pages of links',
  },
}
