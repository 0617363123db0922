-- Notices: events with fields (payments, wallets, log-ins), to webhooks, by mail and to chats.

-- name: to_webhooks
-- A test goes to the webhook that it names, everything else to all of the miner; thresholds are
-- alerts.
-- params: after, to, thresholds (their kinds)
insert into webhook_deliveries (webhook_id, event_id, sequence)
select receiving.id, events.event_id, events.sequence
from events
cross join lateral (
    select webhooks.id
    from webhooks
    where webhooks.miner_id = events.entity_id and webhooks.enabled
        and case when events.kind = 'webhook.test'
            then webhooks.id::text = events.fields ->> 'webhook_id'
            else webhooks.created_at <= events.created_at
        end
    for key share
) as receiving
where events.sequence > %(after)s::int8 and events.sequence <= %(to)s::int8
    and events.fields is not null and not events.kind = any(%(thresholds)s::text[])
on conflict do nothing

-- name: to_mails
-- To the user that it is about, or to those who keep the entity's accounts; the entity's name goes
-- along.
-- params: after, to, roles; notices, keys, mails, defaults: the table of notices, column by column
insert into outgoing_mails (kind, to_address, language, fields, event_id, user_uid)
select
    notices.mail, receiving.email, receiving.language,
    events.fields || jsonb_strip_nulls(jsonb_build_object(
        'account_name', coalesce(miners.account_name, operators.title, pools.title)
    )),
    events.event_id, receiving.uid
from events
join unnest(
    %(notices)s::text[], %(keys)s::text[], %(mails)s::text[], %(defaults)s::boolean[]
) as notices (kind, key, mail, enabled) on notices.kind = events.kind
left join miners on miners.id = events.entity_id
left join operators on operators.id = events.entity_id
left join pools on pools.id = events.entity_id
cross join lateral (
    select users.uid, users.email, users.language
    from users
    where users.status = 'active' and users.email is not null
        and (users.uid = events.user_uid or users.uid in (
            select roles.user_uid from roles
            where roles.entity_id = events.entity_id and roles.role = any(%(roles)s::text[])
        ))
    for key share
) as receiving
left join notification_preferences as preferred on preferred.user_uid = receiving.uid
    and preferred.channel = 'email' and preferred.kind = notices.key
where events.sequence > %(after)s::int8 and events.sequence <= %(to)s::int8
    and events.fields is not null
    and coalesce(preferred.enabled, notices.enabled)
order by events.sequence
on conflict do nothing

-- name: to_lines
-- To the chats of those who keep the miner's accounts. Due at once: nothing is collected.
-- params: after, to, roles; notices, keys, defaults: the table of notices, column by column
insert into alert_lines (channel, user_uid, miner_id, event_id, due_at)
select 'telegram', receiving.uid, miners.id, events.event_id, now()
from events
join unnest(%(notices)s::text[], %(keys)s::text[], %(defaults)s::boolean[])
    as notices (kind, key, enabled) on notices.kind = events.kind
join miners on miners.id = events.entity_id
cross join lateral (
    select users.uid
    from users
    join telegram_chats on telegram_chats.user_uid = users.uid
        and telegram_chats.connected_at <= events.created_at
    where users.status = 'active' and users.uid in (
        select roles.user_uid from roles
        where roles.entity_id = events.entity_id and roles.role = any(%(roles)s::text[])
    )
    for key share of users
) as receiving
left join notification_preferences as preferred on preferred.user_uid = receiving.uid
    and preferred.channel = 'telegram' and preferred.kind = notices.key
where events.sequence > %(after)s::int8 and events.sequence <= %(to)s::int8
    and coalesce(preferred.enabled, notices.enabled)
order by events.sequence
on conflict do nothing
