// The PostgreSQL wire protocol, version 3: cutting a byte stream into messages, and making some.

export const TYPE = Object.fromEntries(
  Object.entries({
    // from clients
    query: 'Q', parse: 'P', bind: 'B', describe: 'D', execute: 'E', close: 'C', flush: 'H', sync: 'S',
    terminate: 'X', password: 'p', copyData: 'd', copyDone: 'c', copyFail: 'f',
    // from the server
    ready: 'Z', copyInResponse: 'G', backendKey: 'K', parameter: 'S', authentication: 'R', error: 'E',
  }).map(([name, letter]) => [name, letter.charCodeAt(0)]),
)

// Requests that come without a type byte before the startup message.
export const SSL_REQUEST = 80877103
export const GSS_REQUEST = 80877104
export const CANCEL_REQUEST = 80877102
const PROTOCOL_3 = 196608

export function int32(value) {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

export const cstring = (text) => Buffer.from(text + '\0')

export function message(type, ...parts) {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([type]), int32(body.length + 4), body])
}

export function startupMessage(parameters) {
  const fields = Object.entries(parameters).flatMap(([name, value]) => [cstring(name), cstring(value)])
  const body = Buffer.concat([int32(PROTOCOL_3), ...fields, Buffer.from([0])])
  return Buffer.concat([int32(body.length + 4), body])
}

// Whole messages at the front of `bytes`, and what is left of it.
export function split(bytes) {
  const messages = []
  let at = 0
  while (at + 5 <= bytes.length) {
    const end = at + 1 + bytes.readInt32BE(at + 1)
    if (end > bytes.length) break
    messages.push(bytes.subarray(at, end))
    at = end
  }
  return { messages, rest: bytes.subarray(at) }
}

// The C string at `at`, and where the next field starts.
export function readCString(bytes, at) {
  const end = bytes.indexOf(0, at)
  return { text: bytes.subarray(at, end).toString(), next: end + 1 }
}
