// Who the page speaks for: a watcher link, a key, or the browser's session with the pool's site.

export type Credential =
  | { kind: 'watcher'; value: string }
  | { kind: 'user key'; value: string }
  | { kind: 'internal key'; value: string }

const STORED = 'hashgauge.credential'

/** Of this tab, else of this device. */
export function credential(): Credential | null {
  const text = sessionStorage.getItem(STORED) ?? localStorage.getItem(STORED)
  try {
    return text ? (JSON.parse(text) as Credential) : null
  } catch {
    return null
  }
}

/** In this tab; `lasting` also on this device, for new tabs and bookmarks. */
export function keep(value: Credential, lasting: boolean): void {
  const text = JSON.stringify(value)
  sessionStorage.setItem(STORED, text)
  if (lasting) localStorage.setItem(STORED, text)
}

export function forget(): void {
  sessionStorage.removeItem(STORED)
  localStorage.removeItem(STORED)
}

/** The header that carries it; a session's cookie travels by itself. */
export function headersOf(held: Credential | null): Record<string, string> {
  switch (held?.kind) {
    case 'watcher':
      return { 'X-Watcher-Token': held.value }
    case 'user key':
      return { Authorization: `Bearer ${held.value}` }
    case 'internal key':
      return { 'X-Headframe-API-Key': held.value }
    default:
      return {}
  }
}
