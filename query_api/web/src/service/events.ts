// Server-Sent Events over fetch: EventSource cannot carry a watcher token or an API key.

import { ApiError, request } from './api'

export type ServerEvent = { id: string; event: string; data: string }

const RETRY_MS = 5_000

type Listener = {
  onEvent: (event: ServerEvent) => void
  /** True with the stream's first bytes: from then on nothing is missed. False when it is lost, null
   * when it is refused for good. */
  onLive: (live: boolean | null) => void
}

/** Gives `listener` each event until `signal` aborts; reconnects with `Last-Event-ID`. */
export async function follow(path: string, listener: Listener, signal: AbortSignal): Promise<void> {
  let lastId = ''
  while (!signal.aborted) {
    try {
      const headers: Record<string, string> = { Accept: 'text/event-stream' }
      if (lastId) headers['Last-Event-ID'] = lastId
      const response = await request(path, { headers, signal })
      await read(response.body!, {
        ...listener,
        onEvent: event => {
          if (event.id) lastId = event.id
          listener.onEvent(event)
        },
      })
    } catch (error) {
      // A credential that opens nothing any more opens nothing in five seconds either.
      if (error instanceof ApiError && !error.passing) return listener.onLive(null)
      // A closed stream and a service that is away look alike; both are tried again below.
    }
    listener.onLive(false)
    await pause(RETRY_MS, signal)
  }
}

async function read(body: ReadableStream<Uint8Array>, { onEvent, onLive }: Listener) {
  const reader = body.pipeThrough(new TextDecoderStream() as never).getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    onLive(true)
    const blocks = (rest + (value as unknown as string)).replaceAll('\r\n', '\n').split('\n\n')
    rest = blocks.pop()!
    for (const block of blocks) {
      const event = parse(block)
      if (event) onEvent(event)
    }
  }
}

function parse(block: string): ServerEvent | null {
  const event: ServerEvent = { id: '', event: 'message', data: '' }
  for (const line of block.split('\n')) {
    const [, field, value] = /^(id|event|data): ?(.*)$/.exec(line) ?? []
    if (field === 'data') event.data += event.data ? `\n${value}` : value
    else if (field) event[field as 'id' | 'event'] = value!
  }
  return event.data ? event : null
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}
