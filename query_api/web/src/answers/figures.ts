// What the API answers, as far as the dashboard reads it.

export type Rates = { hashrate: string; rejectrate: string }
export const WINDOWS = ['15m', '1h', '1d', '1w'] as const
export type WindowName = (typeof WINDOWS)[number]
export type Stats = Record<WindowName, Rates>

export const PERIODS = { '15m': 'PT15M', '1h': 'PT1H', '1d': 'P1D', '1w': 'P1W' } as const
export const WINDOW_SECONDS = { '15m': 900, '1h': 3600, '1d': 86400, '1w': 604800 } as const

export type Point = Rates & { timestamp: number }
/** The interval that is not over: the average of [timestamp, to). */
export type Running = Point & { to: string }
export type Series = { status: 'ok' | 'not_found'; points: Point[]; running?: Running | null }
export type RejectSeries = { status: 'ok' | 'not_found'; points: ({ timestamp: number } & Record<string, string>)[] }
export type RejectChart = { from: string; to: string; interval: string; data: RejectSeries }
export type RejectCharts = { from: string; to: string; interval: string; data: Record<string, RejectSeries> }
export type ChartOfOne = { from: string; to: string; interval: string; data: Series }
export type ChartOfMany = { from: string; to: string; interval: string; data: Record<string, Series> }

export type Page<T> = { data: T[]; pagination: { limit: number; offset: number; total_count: number } }

export const STATUSES = ['stable', 'unavailable', 'off', 'removed'] as const
export type Status = (typeof STATUSES)[number]
export type StatusCounts = Record<Status, number>

export type Worker = {
  id: string
  name: string
  behavior: 'hardware' | 'boundary'
  status: Status
  miner: { id: string; account_name: string; title: string | null }
  created_at: string
  last_share_at: string | null
  stats: Stats
  normal: Normal
  /** Null for a watcher link. */
  labels: Labels | null
}

export type Labels = { tags: string[]; group: string | null; note: string | null }
export type LabelCount = { name: string; workers: number }
export type LabelCounts = { tags: LabelCount[]; groups: LabelCount[] }

/** The hashrate from shares beside the worker's own week; `error` is a share of `effective`. All null
 * if that is not known. */
export type Normal = { window: WindowName | null; effective: string | null; error: number | null; expected: string | null; low: boolean | null }

export type ShareCounts = { accepted: number; rejected: number; per_minute: number }
export type WorkerDetails = Worker & {
  hardware: { best_difficulty: number | null; best_difficulty_at: string | null; agent: string | null }
  shares: Record<WindowName, ShareCounts> | null
  uptime: number | null
}

export type Server = Rates & {
  name: string
  workers: number
  stable: number
  last_share_at: string | null
  silent_since: string | null
}

export type PublicPool = {
  id: string
  title: string
  miners: number
  workers: StatusCounts
  stats: Stats
  fee: string | null
  min_payout: string | null
  reward_rates: { day: string; rate_per_th: string }[]
  servers: Server[]
  miners_are_public: boolean
}

export type PublicMiner = {
  id: string
  account_name: string
  created_at: string
  pool: { id: string; title: string }
  stats: Stats
  workers: StatusCounts
  strongest_workers: { name: string; status: Status; last_share_at: string | null; stats: Stats }[]
}

export type MinerBrief = { id: string; account_name: string; title: string | null }
export type MinerOfList = MinerBrief & { workers: { count: number; statuses: StatusCounts } }
export type Miner = MinerBrief & {
  created_at: string
  wallets: string[]
  alerts: { delay_seconds: number; muted_until: string | null }
}
export type MinerFigures = MinerBrief & { workers: number; stats: Stats }

export type Transition = {
  id: string
  type: 'worker-status-changed' | 'worker-still-silent' | 'source-silent' | 'source-back'
  at: string
  cause: string
  from?: Status | null
  to?: Status
  worker?: { id: string; name: string }
  miner?: MinerBrief
  source?: string | null
  workers?: number | null
}

export type Overview = {
  since: string
  top_miners: MinerFigures[]
  biggest_drops: MinerFigures[]
  events: Transition[]
  service: {
    stream_time: string | null
    watermark: string | null
    cycle_at: string | null
    last_flush_at: string | null
    partitions: number
    caught_up: boolean
  }
}

/** Share of each UTC day that a worker was stable, 0 to 1; null where nothing is known. */
export type Availability = {
  from: string
  to: string
  data: { date: string; complete: boolean; availability: number | null }[]
}

export type Permission = {
  type: 'platform' | 'pool' | 'operator' | 'miner'
  id: string
  account_name: string | null
  roles: string[]
}

export type Invitation = { type: 'pool' | 'operator' | 'miner'; id: string; name: string; roles: string[] }

/** `user` is null for an internal key and a watcher link. */
export type CurrentUser = { user: { id: string } | null; permissions: Permission[]; invitations: Invitation[] }
