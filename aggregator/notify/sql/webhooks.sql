-- Deliveries: one message to one receiver, from due to its end.

-- name: due
-- The next messages of as many receivers as there is capacity for, longest waiting first. A message
-- whose worker has an older one pending waits for that: in order per worker, whatever else is late.
-- params: messages (of each receiver), excluded (receivers), capacity
select
    webhooks.id as webhook_id, webhooks.url, webhooks.secret,
    case when webhooks.previous_secret_until > now() then webhooks.previous_secret end
        as previous_secret,
    due.id as delivery_id, due.attempts, due.workers as own_workers, event_details.*
from webhooks
cross join lateral (
    select deliveries.*
    from webhook_deliveries as deliveries
    where deliveries.webhook_id = webhooks.id
        and deliveries.status = 'pending'
        and deliveries.next_attempt_at <= now()
        and not exists (
            select from webhook_deliveries as older
            where older.webhook_id = deliveries.webhook_id
                and older.status = 'pending'
                and older.worker_id = deliveries.worker_id
                and older.sequence < deliveries.sequence
        )
    order by deliveries.sequence
    limit %(messages)s::int4
) as due
join event_details on event_details.event_id = due.event_id
where webhooks.id in (
    select webhook_deliveries.webhook_id
    from webhook_deliveries
    join webhooks as free on free.id = webhook_deliveries.webhook_id and free.enabled
    where webhook_deliveries.status = 'pending' and webhook_deliveries.next_attempt_at <= now()
        and not free.id = any(%(excluded)s::uuid[])
    group by webhook_deliveries.webhook_id
    order by min(webhook_deliveries.next_attempt_at)
    limit %(capacity)s::int4
)
order by webhooks.id, due.sequence

-- name: delivered
update webhook_deliveries
set status = 'delivered', attempts = attempts + 1, last_error = null, finished_at = now()
where id = %(delivery_id)s and status = 'pending'

-- name: retry_later
update webhook_deliveries
set attempts = attempts + 1, last_error = %(error)s,
    next_attempt_at = now() + %(delay_s)s::float8 * interval '1 second'
where id = %(delivery_id)s and status = 'pending'

-- name: failed
update webhook_deliveries
set status = 'failed', attempts = attempts + 1, last_error = %(error)s, finished_at = now()
where id = %(delivery_id)s and status = 'pending'

-- name: receiver_answered
update webhooks set failing_since = null, failed_at = null
where id = %(webhook_id)s and failing_since is not null

-- name: receiver_failed
-- Since when it fails without a break; a break in which we did not try counts for nothing.
-- params: webhook_id, gap_s
update webhooks
set failed_at = now(),
    failing_since = case
        when failed_at > now() - %(gap_s)s::float8 * interval '1 second'
            then coalesce(failing_since, now())
        else now()
    end
where id = %(webhook_id)s

-- name: give_up_waiting
-- Messages that waited for more than a day while the receiver failed all that time. One that a
-- person sends again is due anew.
-- params: webhook_id, error, give_up_s
update webhook_deliveries
set status = 'failed', last_error = coalesce(last_error, %(error)s), finished_at = now()
from webhooks
where webhooks.id = %(webhook_id)s and webhook_deliveries.webhook_id = webhooks.id
    and webhooks.failing_since < now() - %(give_up_s)s::float8 * interval '1 second'
    and webhook_deliveries.status = 'pending'
    and webhook_deliveries.next_attempt_at < now() - %(give_up_s)s::float8 * interval '1 second'

-- name: gone
-- The receiver wants no message ever again (410).
update webhooks set enabled = false where id = %(webhook_id)s

-- name: forget
-- Deliveries that ended long ago, or wait so long for a webhook that is turned off.
delete from webhook_deliveries
where finished_at < now() - %(keep_s)s::float8 * interval '1 second'
    or status = 'pending'
    and next_attempt_at < now() - %(keep_s)s::float8 * interval '1 second'
    and exists (
        select from webhooks where webhooks.id = webhook_deliveries.webhook_id and not enabled
    )

-- name: list_failed
select
    webhook_deliveries.id as delivery_id, webhook_deliveries.webhook_id, webhooks.url,
    webhook_deliveries.event_id, webhook_deliveries.attempts, webhook_deliveries.last_error,
    webhook_deliveries.created_at, webhook_deliveries.finished_at
from webhook_deliveries
join webhooks on webhooks.id = webhook_deliveries.webhook_id
where webhook_deliveries.status = 'failed'
    and (%(webhook_id)s::uuid is null or webhook_deliveries.webhook_id = %(webhook_id)s::uuid)
order by webhook_deliveries.sequence
limit %(limit)s::int4

-- name: replay_failed
-- Due at once, with all attempts before them again.
update webhook_deliveries
set status = 'pending', attempts = 0, next_attempt_at = now(), finished_at = null
where status = 'failed'
    and (%(webhook_id)s::uuid is null or webhook_id = %(webhook_id)s::uuid)

-- name: rotate
-- The old secret signs along until the overlap ends.
update webhooks
set previous_secret = secret,
    previous_secret_until = now() + %(overlap_s)s::float8 * interval '1 second',
    secret = %(secret)s
where id = %(webhook_id)s
returning id
