-- Rows for the notifier.

-- name: send_mail
-- params: kind, to_address, language, fields
insert into outgoing_mails (kind, to_address, language, fields)
values ($1::text, $2::text, $3::text, $4::text::jsonb)

-- name: publish_for_user
-- params: event_id, kind, user_uid, fields
insert into events (event_id, kind, at, user_uid, fields)
values ($1::uuid, $2::text, now(), $3::uuid, $4::text::jsonb)
on conflict (event_id) do nothing

-- name: publish_for_entity
-- params: event_id, kind, entity_id, fields
insert into events (event_id, kind, at, entity_id, fields)
values ($1::uuid, $2::text, now(), $3::int4, $4::text::jsonb)
on conflict (event_id) do nothing
