-- Webhooks of a miner and their deliveries. Secrets leave the database only for who sends.

-- name: webhooks
-- params: miner_id
select id, url, enabled, created_at, previous_secret_until
from webhooks where miner_id = $1::int4 order by created_at, id

-- name: webhook
-- params: miner_id, webhook_id
select id, url, enabled, created_at, previous_secret_until
from webhooks where miner_id = $1::int4 and id = $2::uuid

-- name: count_webhooks
-- params: miner_id
select count(*) from webhooks where miner_id = $1::int4

-- name: create_webhook
-- params: miner_id, url, secret (sealed)
insert into webhooks (miner_id, url, secret) values ($1::int4, $2::text, $3::text)
returning id, url, enabled, created_at, previous_secret_until

-- name: change_webhook
-- params: miner_id, webhook_id, url (null: as it is), enabled (null: as it is)
update webhooks set url = coalesce($3::text, url), enabled = coalesce($4::boolean, enabled)
where miner_id = $1::int4 and id = $2::uuid
returning id, url, enabled, created_at, previous_secret_until

-- name: delete_webhook
-- params: miner_id, webhook_id
delete from webhooks where miner_id = $1::int4 and id = $2::uuid returning id

-- name: rotate_webhook
-- The old secret still signs along for a while, so that no message is refused in between.
-- params: miner_id, webhook_id, secret (sealed), overlap
update webhooks
set previous_secret = secret, previous_secret_until = now() + $4::interval, secret = $3::text
where miner_id = $1::int4 and id = $2::uuid
returning id, url, enabled, created_at, previous_secret_until

-- name: send_test
-- params: kind, miner_id, webhook_id
insert into events (event_id, kind, at, entity_id, fields)
values (gen_random_uuid(), $1::text, now(), $2::int4,
        jsonb_build_object('webhook_id', $3::text))
returning event_id

-- name: deliveries_page
-- Newest first, with the count of all that match.
-- params: webhook_id, statuses, limit, offset
with matching as (
    select id, event_id, status, attempts, next_attempt_at, last_error, created_at, finished_at
    from webhook_deliveries
    where webhook_id = $1::uuid and status = any($2::text[])
), page as (
    select row_number() over (order by created_at desc, id) as position, * from matching
    order by created_at desc, id limit $3::int4 offset $4::int4
)
select (select count(*) from matching) as total_count, page.*
from (values (1)) as one
left join page on true
order by page.position

-- name: retry_delivery
-- Due at once, with all its attempts before it again; nothing where there is none of that id.
-- params: webhook_id, delivery_id
update webhook_deliveries
set status = 'pending', attempts = 0, next_attempt_at = now(), finished_at = null
where webhook_id = $1::uuid and id = $2::uuid
returning id, event_id, status, attempts, next_attempt_at, last_error, created_at, finished_at

-- name: set_alerts
-- params: miner_id, delay_s, muted_until
update miners set alert_delay_s = $2::int4, muted_until = $3::timestamptz where id = $1::int4
