-- Alerts: read what the rule must know, store what it decided, send what is due.

-- name: events_between
-- Of workers and sources, and of thresholds; other notices are no alerts. Of workers only if their
-- miner has recipients, or had some for whom an alert still waits: of most miners nobody hears.
-- params: after, to, thresholds (their kinds), channels
with batch as materialized (
    select
        event_id, sequence, kind, cause, created_at, coalesce(miner_id, entity_id) as miner_id,
        worker_id, source_id, to_status
    from events
    where sequence > %(after)s::int8 and sequence <= %(to)s::int8
        and (fields is null or kind = any(%(thresholds)s::text[]))
), heard as (
    select miner_id
    from (select distinct miner_id from batch) as miners
    where exists (
            select from alert_recipients as recipients
            where recipients.miner_id = miners.miner_id
                and recipients.channel = any(%(channels)s::text[])
        )
        or exists (
            select from alerts
            where alerts.miner_id = miners.miner_id and alerts.status = 'waiting'
        )
)
select * from batch
where worker_id is null or miner_id in (select miner_id from heard)
order by sequence

-- name: miners_with_recipients
-- Of all that any of the events may concern: its own miner, or those with workers on a source.
-- Python has no date before the year 1, where some recipients have been there for ever.
-- params: miner_ids, channels
select
    miners.id, miners.alert_delay_s, miners.muted_until,
    greatest(min(alert_recipients.since), '2000-01-01 00:00:00+00') as since
from miners
join alert_recipients on alert_recipients.miner_id = miners.id
where miners.id = any(%(miner_ids)s::int4[])
    and alert_recipients.channel = any(%(channels)s::text[])
group by miners.id

-- name: waiting_alerts
-- params: worker_ids
select event_id, miner_id, sequence, worker_id, source_id, workers, is_return, due_at, status
from alerts
where worker_id = any(%(worker_ids)s::int4[]) and status = 'waiting'

-- name: alerted_workers
-- Whose last message that was sent is an alert.
-- params: worker_ids
select last_sent.worker_id
from unnest(%(worker_ids)s::int4[]) as asked (worker_id)
cross join lateral (
    select alerts.worker_id, alerts.is_return
    from alerts
    where alerts.worker_id = asked.worker_id and alerts.status = 'sent'
    order by alerts.sequence desc
    limit 1
) as last_sent
where not last_sent.is_return

-- name: last_silences
-- Alerts of the last silence of each source before these events.
-- params: source_ids, after
select alerts.event_id, alerts.miner_id, alerts.sequence, alerts.worker_id, alerts.source_id,
    alerts.workers, alerts.is_return, alerts.due_at, alerts.status
from unnest(%(source_ids)s::int4[]) as asked (source_id)
cross join lateral (
    select silent.event_id
    from events as silent
    where silent.source_id = asked.source_id and silent.kind = 'source-silent'
        and silent.sequence <= %(after)s::int8
    order by silent.sequence desc
    limit 1
) as last_silent
join alerts on alerts.event_id = last_silent.event_id
where alerts.status in ('waiting', 'sent')

-- name: workers_on_silent_sources
-- How many workers each miner has on a source that fell silent: recently active ones, as the rule
-- that found the source silent has it.
-- params: after, to, rate_span_s
select events.event_id, worker_figures.miner_id, count(*)::int4 as workers
from events
join worker_figures on worker_figures.source_id = events.source_id
    and worker_figures.status <> 'removed'
    and worker_figures.last_share_at > events.at - %(rate_span_s)s::float8 * interval '1 second'
where events.sequence > %(after)s::int8 and events.sequence <= %(to)s::int8
    and events.kind = 'source-silent'
group by events.event_id, worker_figures.miner_id

-- name: save_alert
-- params: the columns
insert into alerts (
    event_id, miner_id, sequence, worker_id, source_id, workers, is_return, due_at, status,
    finished_at
)
values (
    %(event_id)s, %(miner_id)s, %(sequence)s, %(worker_id)s, %(source_id)s, %(workers)s,
    %(is_return)s, %(due_at)s, %(status)s,
    case when %(status)s <> 'waiting' then %(now)s::timestamptz end
)
on conflict (event_id, miner_id) do update
set status = excluded.status, finished_at = excluded.finished_at

-- name: drop_deliveries
-- What webhooks were not sent is listed among their deliveries, so that the list explains itself.
-- params: event_ids, miner_ids (in pairs), now
insert into webhook_deliveries (
    webhook_id, event_id, sequence, worker_id, workers, status, finished_at
)
select existing.id, alerts.event_id, alerts.sequence, alerts.worker_id, alerts.workers, 'dropped',
    %(now)s::timestamptz
from unnest(%(event_ids)s::uuid[], %(miner_ids)s::int4[]) as ended (event_id, miner_id)
join alerts using (event_id, miner_id)
join events using (event_id)
join alert_recipients as recipients on recipients.miner_id = alerts.miner_id
    and recipients.channel = 'webhook' and recipients.since <= events.created_at
cross join lateral (
    select webhooks.id from webhooks where webhooks.id = recipients.webhook_id for key share
) as existing
on conflict do nothing

-- name: send_due
-- The oldest alerts that are due become deliveries of webhooks and lines of messages to people; of a
-- miner that was muted meanwhile, deliveries that were dropped. A line waits for the end of its channel's span
-- (a minute, a digest), so that a miner's lines go out as one message. A webhook or a user that is
-- deleted at this moment is passed over (for key share), or its foreign key would end the batch.
-- params: now, limit, channels, people, fold_s (of each of the people's channels)
with ripe as (
    select alerts.event_id, alerts.miner_id,
        miners.muted_until is not null and miners.muted_until > %(now)s::timestamptz as muted
    from alerts
    join miners on miners.id = alerts.miner_id
    where alerts.status = 'waiting' and alerts.due_at <= %(now)s::timestamptz
    order by alerts.sequence
    limit %(limit)s::int4
), due as (
    update alerts
    set status = case when ripe.muted then 'muted' else 'sent' end,
        finished_at = %(now)s::timestamptz
    from ripe
    where alerts.event_id = ripe.event_id and alerts.miner_id = ripe.miner_id
    returning alerts.*
), received as (
    select due.*, recipients.channel, recipients.webhook_id, recipients.user_uid,
        events.to_status = 'stable' and events.cause <> 'share' as only_for_programs
    from due
    join events on events.event_id = due.event_id
    join alert_recipients as recipients on recipients.miner_id = due.miner_id
        and recipients.channel = any(%(channels)s::text[])
        and recipients.since <= events.created_at
), deliveries as (
    insert into webhook_deliveries (
        webhook_id, event_id, sequence, worker_id, workers, status, finished_at
    )
    select
        existing.id, event_id, sequence, worker_id, workers,
        case status when 'sent' then 'pending' else 'dropped' end,
        case status when 'sent' then null else finished_at end
    from received
    cross join lateral (
        select webhooks.id from webhooks where webhooks.id = received.webhook_id for key share
    ) as existing
    on conflict do nothing
), lines as (
    insert into alert_lines (channel, user_uid, miner_id, event_id, workers, due_at)
    select
        received.channel, existing.uid, miner_id, event_id, workers,
        to_timestamp(
            (floor(extract(epoch from %(now)s::timestamptz) / folds.fold_s) + 1) * folds.fold_s
        )
    from received
    join unnest(%(people)s::text[], %(fold_s)s::float8[]) as folds (channel, fold_s)
        on folds.channel = received.channel
    cross join lateral (
        select users.uid from users where users.uid = received.user_uid for key share
    ) as existing
    where received.status = 'sent' and only_for_programs is not true
    order by sequence
    on conflict do nothing
)
select count(*) from due

-- name: forget_alerts
-- params: keep_s
delete from alerts
where status <> 'waiting' and finished_at < now() - %(keep_s)s::float8 * interval '1 second'
