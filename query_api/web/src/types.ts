// What the API answers, as far as the dashboard reads it.

export type Rates = { hashrate: string; rejectrate: string }
export const WINDOWS = ['15m', '1h', '1d', '1w'] as const
export type WindowName = (typeof WINDOWS)[number]
export type Stats = Record<WindowName, Rates>

export const PERIODS = { '15m': 'PT15M', '1h': 'PT1H', '1d': 'P1D', '1w': 'P1W' } as const
export const WINDOW_SECONDS = { '15m': 900, '1h': 3600, '1d': 86400, '1w': 604800 } as const
export const INTERVAL_SECONDS = { '15m': 60, '1h': 300, '1d': 900, '1w': 3600 } as const

export type Point = Rates & { timestamp: number }
export type Series = { status: 'ok' | 'not_found'; points: Point[] }
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
}

export type MinerBrief = { id: string; account_name: string; title: string | null }
export type Miner = MinerBrief & { created_at: string }
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
    complete_to: string | null
    beat_at: string | null
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
  type: 'pool' | 'operator' | 'miner'
  id: string
  account_name: string | null
  roles: string[]
}
