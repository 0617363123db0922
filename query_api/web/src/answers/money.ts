// What the API answers about money. Amounts are exact texts in BTC.

import type { Texts } from '../text'

export type Payment = {
  type: PaymentType
  id: string
  direction: 'incoming' | 'outgoing'
  amount: string
  status: string
  created_at: string
  effective_at: string
  metadata: { hashrate?: string; description?: string; tx_hash?: string; corrects?: string }
}

export type PaymentType = keyof Texts['money']['types']

export type Amounts = { data: { amount: string }[] }
export type Processing = { data: { amounts: { yesterday: string; today: string } }[] }

type Side = { id: string; name: string }
type DayAmounts = { gross: string; pool_commission: string; operator_commission: string; reward: string }

export type ExplainedPayment = {
  payment: Payment
  counterparty: Side | null
  settlement: {
    date: string
    version: number
    settled_at: string
    rate: { rate: string; scheme: string; blocks: unknown[]; fee_ratio: string }
    amounts: DayAmounts
    before: DayAmounts | null
    limited: boolean
    lines: { type: string; amount: string; other_side: Side | null; entry: { fee: number; valid_from: string } | null }[]
    workers: {
      data: { id: string; name: string; minutes: number; hashrate: string; gross: string }[]
      pagination: { total_count: number }
    }
  } | null
}

export type Comparison = {
  before: { date: string; total: string }
  after: { date: string; total: string }
  difference: string
  parts: { part: string; amount: string }[]
}

export type Statement = {
  month: string
  opening_balance: string
  closing_balance: string
  totals: { type: PaymentType; direction: Payment['direction']; amount: string; payments: number }[]
  payments: Payment[]
}

export type Validity = { valid_from: string; valid_until: string | null }
export type WalletAddress = Validity & { address: string; network: string }
export type WalletMinimum = Validity & { amount: number }

export type BatchState =
  | 'proposed' | 'approved' | 'built' | 'signed' | 'broadcast' | 'confirmed' | 'final' | 'cancelled'

export type Batch = {
  id: string
  state: BatchState
  list_hash: string
  amount: string
  payees: number
  left_out: number
  confirmations: number
  stopped: string | null
  created_at: string
}

export type WholeBatch = Batch & {
  items: { payee: string; address: string; amount: string }[]
  not_paid: { payee: string; amount: string; reason: string }[]
  transactions: { txid: string; version: number; state: string; fee: string; fee_rate: number; confirmations: number }[]
  steps: { at: string; step: string; by: string; detail: string | null }[]
}

/** A step that was asked for: done, or written down for the payouts service. */
export type Requested = { id: string; outcome: 'done' | null; message: string | null }

export const POCKETS = ['spendable', 'locked', 'waiting', 'immature', 'liabilities', 'due', 'reserved', 'promised'] as const
export type MoneyOnHand = Record<(typeof POCKETS)[number] | 'shortfall' | 'unaccounted', string> & {
  seen_at: string | null
}
