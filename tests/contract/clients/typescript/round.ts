// One round with openapi-fetch and the types that openapi-typescript made: prints what it read, as JSON.

import createClient from 'openapi-fetch'
import type { paths } from './schema.js'

const [address, key, donor, recipient, rig] = process.argv.slice(2) as [string, string, string, string, string]
// Lists, charts and reports are files, too: the second type says that JSON is asked for.
const client = createClient<paths, 'application/json'>({ baseUrl: address, headers: { 'X-Headframe-API-Key': key } })
const BASE = '/api/backend/v0.1'

/** The answer's body; an error is the end of the round. */
async function read<T>(call: Promise<{ data?: T; error?: unknown }>): Promise<T> {
  const { data, error } = await call
  if (data === undefined) throw new Error(JSON.stringify(error))
  return data
}

const chart = await read(client.GET(`${BASE}/workers/charts`, { params: { query: { period: 'PT1H', id: [rig] } } }))
const points = chart.data[rig]!.points
const stats = await read(client.GET(`${BASE}/workers/stats`, { params: { query: { id: [rig] } } }))
const listed = await read(
  client.GET(`${BASE}/miners/{miner_id}/workers`, {
    params: { path: { miner_id: donor }, query: { limit: 2, status: ['stable'], 'sort-by': 'worker_name' } },
  }),
)
const report = await read(client.GET(`${BASE}/miners/{miner_id}/workers/daily-report`, { params: { path: { miner_id: donor } } }))
const made = await read(
  client.POST(`${BASE}/workers/boundary`, {
    body: { name: 'round_typescript', recipient_miner_id: recipient, donor_miner_id: donor, hashrate: 5_000_000_000_000 },
  }),
)
const one = { params: { path: { worker_id: made.id } } }
const changed = await read(client.PATCH(`${BASE}/workers/boundary/{worker_id}`, { ...one, body: { hashrate: '6000000000000' } }))
const again = await read(client.GET(`${BASE}/workers/boundary/{worker_id}`, one))
const gone = await client.DELETE(`${BASE}/workers/boundary/{worker_id}`, one)
const payments = await read(client.GET(`${BASE}/miners/{miner_id}/payments`, { params: { path: { miner_id: donor } } }))
const missing = await client.GET(`${BASE}/miners/{miner_id}`, {
  params: { path: { miner_id: '00000000-0000-0000-0000-000000000001' } },
})

console.log(
  JSON.stringify({
    points: points.length,
    chart: points.at(-1)!.hashrate,
    stats: stats[rig]!['1h'].hashrate,
    workers: listed.data.map(worker => worker.name),
    total: listed.pagination.total_count,
    report: report.data.length,
    made: made.hashrate.current.hashrate,
    changed: changed.id === again.id,
    gone: gone.response.status,
    payment: [payments.data[0]!.type, payments.data[0]!.amount],
    missing: [missing.response.status, missing.error!.error.message],
  }),
)
