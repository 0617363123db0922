// TimescaleDB in WebAssembly for many clients: node server.mjs [PORT], prints `listening PORT`.
//
// In memory, one database `postgres`, one session for all: a client that has a transaction open
// makes the others wait; settings and temporary tables are everybody's; there are no background
// jobs (`call run_job(...)` runs one), no NOTIFY, and no advisory locks between clients.

import net from 'node:net'
import { Client } from './client.mjs'
import { Session } from './session.mjs'

const session = await Session.open()
const server = net.createServer((socket) => new Client(socket, session))
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  console.log('listening', server.address().port)
})

async function stop() {
  server.close()
  await session.close()
  process.exit(0)
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
// Standard input is the parent's end of a pipe: with the parent gone, nobody needs the server.
process.stdin.on('end', stop).resume()
