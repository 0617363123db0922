-- Deliveries: made when the channel takes events, then sent one by one until they end.
--
-- A worker's own events go to the webhooks of its miner. What a silent source did to its workers is
-- folded: each miner gets one message about the source with the number of its own workers there.
-- `delay`: an alert waits alert_delay_s; when its worker is back by then, neither is sent.

-- name: take_alerts
-- Everything but returns. now() is the same for all statements of the transaction.
insert into webhook_deliveries (webhook_id, event_id, sequence, worker_id, next_attempt_at)
select
    webhooks.id, events.event_id, events.sequence, events.worker_id,
    now() + case
        when events.to_status in ('unavailable', 'off') then miners.alert_delay_s else 0
    end * interval '1 second'
from events
join miners on miners.id = events.miner_id
join webhooks on webhooks.miner_id = events.miner_id
where events.sequence > %(after)s::int8 and events.sequence <= %(to)s::int8
    and events.kind in ('worker-status-changed', 'worker-still-silent')
    and events.to_status <> 'stable'
    and events.cause not in ('source_silent', 'source_back')
    and webhooks.enabled and webhooks.created_at <= events.created_at
    and (miners.muted_until is null or miners.muted_until <= now())
on conflict do nothing

-- name: take_returns
-- A return ends the alert that still waits, and is then not told either; nor is one while its miner
-- is muted or its webhook off, which ends the alert all the same.
with returned as (
    select
        webhooks.id as webhook_id, events.event_id, events.sequence, events.worker_id,
        webhooks.enabled and (miners.muted_until is null or miners.muted_until <= now()) as wanted
    from events
    join miners on miners.id = events.miner_id
    join webhooks on webhooks.miner_id = events.miner_id
    where events.sequence > %(after)s::int8 and events.sequence <= %(to)s::int8
        and events.kind = 'worker-status-changed'
        and events.to_status = 'stable'
        and events.cause not in ('source_silent', 'source_back')
        and webhooks.created_at <= events.created_at
), dropped as (
    update webhook_deliveries
    set status = 'dropped', finished_at = now(), last_error = 'back within the delay'
    from returned
    where webhook_deliveries.webhook_id = returned.webhook_id
        and webhook_deliveries.worker_id = returned.worker_id
        and webhook_deliveries.sequence < returned.sequence
        and webhook_deliveries.status = 'pending'
        and webhook_deliveries.attempts = 0
        and webhook_deliveries.next_attempt_at > now()
    returning webhook_deliveries.webhook_id, webhook_deliveries.worker_id,
        returned.sequence as return_sequence
)
insert into webhook_deliveries (webhook_id, event_id, sequence, worker_id)
select webhook_id, event_id, sequence, worker_id
from returned
where wanted and not exists (
    select from dropped
    where dropped.webhook_id = returned.webhook_id
        and dropped.worker_id = returned.worker_id
        and dropped.return_sequence = returned.sequence
)
on conflict do nothing

-- name: take_silent_sources
insert into webhook_deliveries (webhook_id, event_id, sequence, workers, next_attempt_at)
select
    webhooks.id, events.event_id, events.sequence, count(*)::int4,
    now() + miners.alert_delay_s * interval '1 second'
from events
join worker_figures on worker_figures.source_id = events.source_id
    and worker_figures.status <> 'removed'
    -- Recently active, as the rule that found the source silent has it.
    and worker_figures.last_share_at > events.at - %(rate_span_s)s::float8 * interval '1 second'
join miners on miners.id = worker_figures.miner_id
join webhooks on webhooks.miner_id = worker_figures.miner_id
where events.sequence > %(after)s::int8 and events.sequence <= %(to)s::int8
    and events.kind = 'source-silent'
    and webhooks.enabled and webhooks.created_at <= events.created_at
    and (miners.muted_until is null or miners.muted_until <= now())
group by webhooks.id, miners.alert_delay_s, events.event_id, events.sequence
on conflict do nothing

-- name: take_returned_sources
-- To those who were told that the source is silent; a message that still waits is dropped instead.
with told as (
    select
        returned.event_id, returned.sequence, deliveries.webhook_id, deliveries.workers,
        deliveries.id as delivery_id,
        deliveries.status = 'pending' and deliveries.attempts = 0
            and deliveries.next_attempt_at > now() as waits,
        webhooks.enabled and (miners.muted_until is null or miners.muted_until <= now()) as wanted
    from events as returned
    cross join lateral (
        select silent.event_id from events as silent
        where silent.source_id = returned.source_id and silent.kind = 'source-silent'
            and silent.sequence < returned.sequence
        order by silent.sequence desc
        limit 1
    ) as last_silent
    join webhook_deliveries as deliveries on deliveries.event_id = last_silent.event_id
        and deliveries.status <> 'dropped'
    join webhooks on webhooks.id = deliveries.webhook_id
    join miners on miners.id = webhooks.miner_id
    where returned.sequence > %(after)s::int8 and returned.sequence <= %(to)s::int8
        and returned.kind = 'source-back'
), dropped as (
    update webhook_deliveries
    set status = 'dropped', finished_at = now(), last_error = 'back within the delay'
    from told
    where told.waits and webhook_deliveries.id = told.delivery_id
)
insert into webhook_deliveries (webhook_id, event_id, sequence, workers)
select webhook_id, event_id, sequence, workers from told where wanted and not waits
on conflict do nothing

-- name: due
-- The next messages of as many free receivers as there is room for, longest waiting first. A message
-- whose worker has an older one pending waits for that: in order per worker, whatever else is late.
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
    limit %(burst)s::int4
) as due
join event_details on event_details.event_id = due.event_id
where webhooks.id in (
    select webhook_deliveries.webhook_id
    from webhook_deliveries
    join webhooks as free on free.id = webhook_deliveries.webhook_id and free.enabled
    where webhook_deliveries.status = 'pending' and webhook_deliveries.next_attempt_at <= now()
        and not free.id = any(%(busy)s::uuid[])
    group by webhook_deliveries.webhook_id
    order by min(webhook_deliveries.next_attempt_at)
    limit %(room)s::int4
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

-- name: give_up_waiting
-- What stood behind failing messages for more than a day. One that a person sends again is due anew.
update webhook_deliveries
set status = 'failed', last_error = coalesce(last_error, %(error)s), finished_at = now()
where webhook_id = %(webhook_id)s and status = 'pending'
    and next_attempt_at < now() - %(give_up_s)s::float8 * interval '1 second'

-- name: gone
-- The receiver said that it will never take messages again (410).
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
