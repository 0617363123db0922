// What the API answers about who else learns of a miner: links, webhooks, keys.

export type Watcher = { id: string; token: string; title: string; created_at: string; extra_permissions: string[] }

export type Webhook = { id: string; url: string; enabled: boolean; created_at: string }
export type WebhookWithSecret = Webhook & { secret: string }

export type Delivery = {
  id: string
  status: 'pending' | 'delivered' | 'failed'
  attempts: number
  next_attempt_at: string
  last_error: string | null
  created_at: string
  finished_at: string | null
}

export type ApiKey = {
  id: string
  title: string
  role: string | null
  entities: { type: string; id: string }[] | null
  created_at: string
}
