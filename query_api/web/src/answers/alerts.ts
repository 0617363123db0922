// What the API answers about alerts, as far as the dashboard reads it.

export const METRICS = ['hashrate', 'hashrate_of_week', 'unavailable_workers', 'reject_pct'] as const
export type Metric = (typeof METRICS)[number]
export const THRESHOLD_WINDOWS = ['15m', '1h', '1d'] as const

export type Threshold = {
  id: string
  metric: Metric
  bound: string
  worker: { id: string; name: string } | null
  window: (typeof THRESHOLD_WINDOWS)[number] | null
  for_seconds: number
  muted_until: string | null
  firing: boolean
  breached_since: string | null
  measured_at: string | null
  figure: string | null
  measured_bound: string | null
  error: string | null
  too_few_shares: boolean
}

export type Switches = Record<string, { enabled: boolean; readonly: boolean }>
export type Preferences = { email: Switches; telegram: Switches }
export type Bot = { username: string; first_name: string } | null
export type Invite = { bot: Bot; invite: { code: string; valid_until: string; activated_at: string | null } | null }
export type Chat = {
  bot: Bot
  chat: { id: number; user: { username: string | null; first_name: string | null } } | null
}
