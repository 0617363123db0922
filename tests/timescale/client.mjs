// One client connection: its messages in order, its statement names kept apart from the others'.

import {
  CANCEL_REQUEST, GSS_REQUEST, SSL_REQUEST, TYPE, cstring, int32, message, readCString, split,
} from './wire.mjs'

const COPY_IN = /^\s*(?:--[^\n]*\n|\/\*[\s\S]*?\*\/|\s)*copy\b[\s\S]*?\bfrom\s+stdin\b/i
const COPY_BINARY = /\bfrom\s+stdin\b[\s\S]*\bbinary\b/i
const RESETS_ALL = /\b(?:reset|discard)\s+all\b/i
const SYNC = message(TYPE.sync)
const STATEMENT = 'S'.charCodeAt(0)

let clients = 0

export class Client {
  #socket
  #session
  #id = ++clients
  #bytes = Buffer.alloc(0)
  #started = false
  #inbox = []
  #transaction = 'I'
  #gone = false
  #copy = null // a COPY FROM STDIN whose data is being collected
  #statements = new Map() // name inside the session → its SQL
  #unnamed = 0
  #portalSql = ''

  constructor(socket, session) {
    this.#socket = socket
    this.#session = session
    socket.setNoDelay(true)
    socket.on('data', (bytes) => this.#receive(bytes))
    socket.on('close', () => this.#leave())
    socket.on('error', () => {}) // 'close' follows
  }

  #receive(bytes) {
    this.#bytes = this.#bytes.length ? Buffer.concat([this.#bytes, bytes]) : bytes
    while (!this.#started) if (!this.#greet()) return
    const { messages, rest } = split(this.#bytes)
    this.#bytes = rest
    this.#inbox.push(...messages)
    this.takeTurn()
  }

  // Handles one message of the startup phase; false when more bytes are needed.
  #greet() {
    if (this.#bytes.length < 8) return false
    const length = this.#bytes.readInt32BE(0)
    if (this.#bytes.length < length) return false
    const code = this.#bytes.readInt32BE(4)
    this.#bytes = this.#bytes.subarray(length)
    if (code === CANCEL_REQUEST) {
      this.#socket.end()
      return false
    }
    if (code === SSL_REQUEST || code === GSS_REQUEST) {
      this.#socket.write('N')
      return true
    }
    this.#started = true
    const key = message(TYPE.backendKey, int32(process.pid), int32(this.#id))
    const ready = message(TYPE.ready, Buffer.from('I'))
    this.#socket.write(Buffer.concat([this.#session.greeting, key, ready]))
    return true
  }

  // Works the inbox for as long as the session is ours.
  takeTurn() {
    if (this.#gone) return this.#clean()
    while (this.#inbox.length && !this.#gone) {
      if (this.#copy === null && this.#inbox[0][0] === TYPE.terminate) return this.#socket.end()
      if (!this.#session.acquire(this)) return
      this.#handle(this.#inbox.shift())
    }
  }

  #handle(bytes) {
    if (this.#copy) return this.#collectCopy(bytes)
    switch (bytes[0]) {
      case TYPE.query: return this.#query(bytes)
      case TYPE.parse: return this.#parse(bytes)
      case TYPE.bind: return this.#bind(bytes)
      case TYPE.execute: return this.#execute(bytes)
      case TYPE.describe:
      case TYPE.close: return this.#describeOrClose(bytes)
      default: return this.#forward(bytes)
    }
  }

  #forward(bytes) {
    this.#answer(this.#session.send(bytes))
  }

  #answer(bytes) {
    if (bytes.length && !this.#gone) this.#socket.write(bytes)
    for (const m of split(bytes).messages) {
      if (m[0] !== TYPE.ready) continue
      this.#transaction = String.fromCharCode(m[5])
      this.#session.releaseIf(this, this.#transaction)
    }
  }

  #query(bytes) {
    const sql = readCString(bytes, 5).text
    if (COPY_IN.test(sql)) return this.#startCopy(bytes, sql, false)
    const answer = this.#session.send(bytes)
    // RESET ALL puts back a search_path of the WebAssembly build that lacks public.
    if (RESETS_ALL.test(sql)) this.#session.send(message(TYPE.query, cstring('set search_path to public')))
    this.#answer(answer)
  }

  // The unnamed statement outlives a turn, so it has a name of its own inside the session, too.
  #statementName(name) {
    return name === '' ? `c${this.#id}u${this.#unnamed}` : `c${this.#id}_${name}`
  }

  #portalName(name) {
    return name === '' ? '' : `c${this.#id}_${name}`
  }

  #parse(bytes) {
    const { text: name, next } = readCString(bytes, 5)
    if (name === '') {
      this.#forget(this.#statementName(''))
      this.#unnamed += 1
    }
    const inside = this.#statementName(name)
    this.#statements.set(inside, readCString(bytes, next).text)
    this.#forward(message(TYPE.parse, cstring(inside), bytes.subarray(next)))
  }

  #forget(inside) {
    if (!this.#statements.delete(inside)) return
    this.#session.send(message(TYPE.close, Buffer.from('S'), cstring(inside)))
  }

  #bind(bytes) {
    const portal = readCString(bytes, 5)
    const statement = readCString(bytes, portal.next)
    const inside = this.#statementName(statement.text)
    this.#portalSql = this.#statements.get(inside) ?? ''
    const names = [cstring(this.#portalName(portal.text)), cstring(inside)]
    this.#forward(message(TYPE.bind, ...names, bytes.subarray(statement.next)))
  }

  #execute(bytes) {
    if (COPY_IN.test(this.#portalSql)) {
      const query = message(TYPE.query, cstring(this.#portalSql))
      return this.#startCopy(query, this.#portalSql, true)
    }
    const portal = readCString(bytes, 5)
    const name = cstring(this.#portalName(portal.text))
    this.#forward(message(TYPE.execute, name, bytes.subarray(portal.next)))
  }

  #describeOrClose(bytes) {
    const kind = bytes[5]
    const name = readCString(bytes, 6).text
    const inside = kind === STATEMENT ? this.#statementName(name) : this.#portalName(name)
    if (bytes[0] === TYPE.close && kind === STATEMENT) this.#statements.delete(inside)
    this.#forward(message(bytes[0], Buffer.from([kind]), cstring(inside)))
  }

  // The WebAssembly build wants the COPY statement, its data and its end in one buffer, so the
  // client is told to go on, and the statement runs when everything is there.
  #startCopy(query, sql, extended) {
    this.#copy = { query, extended, parts: [] }
    const format = COPY_BINARY.test(sql) ? 1 : 0
    this.#socket.write(message(TYPE.copyInResponse, Buffer.from([format, 0, 0])))
  }

  #collectCopy(bytes) {
    if (bytes[0] === TYPE.copyData) return this.#copy.parts.push(bytes)
    if (bytes[0] !== TYPE.copyDone && bytes[0] !== TYPE.copyFail) return // flush and sync: none yet
    const { query, extended, parts } = this.#copy
    this.#copy = null
    const answer = split(this.#session.send(Buffer.concat([query, ...parts, bytes]))).messages
    // The client had its CopyInResponse; within the extended protocol ReadyForQuery follows Sync.
    const hidden = extended ? [TYPE.copyInResponse, TYPE.ready] : [TYPE.copyInResponse]
    this.#answer(Buffer.concat(answer.filter((m) => !hidden.includes(m[0]))))
    if (extended) this.#forward(SYNC)
  }

  // The session outlives the client: its transaction and its statements must not.
  #leave() {
    if (this.#gone) return
    this.#gone = true
    if (this.#session.acquire(this)) this.#clean()
  }

  #clean() {
    if (this.#transaction !== 'I') this.#session.send(message(TYPE.query, cstring('rollback')))
    for (const inside of this.#statements.keys()) {
      this.#session.send(message(TYPE.close, Buffer.from('S'), cstring(inside)))
    }
    this.#session.send(SYNC)
    this.#session.releaseIf(this, 'I')
  }
}
