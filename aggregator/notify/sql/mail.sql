-- Mails on their way to the SMTP server, and digests that become mails.

-- name: due
-- The oldest mail of each address, if its time has come: in order for each address.
-- params: limit
select id as mail_id, kind, to_address, language, fields, message_id, created_at, attempts
from outgoing_mails
where status = 'pending' and next_attempt_at <= now()
    and not exists (
        select from outgoing_mails as older
        where older.status = 'pending' and older.to_address = outgoing_mails.to_address
            and older.id < outgoing_mails.id
    )
order by id
limit %(limit)s::int4

-- name: sent
-- Its fields may hold what only the addressee may know.
update outgoing_mails
set status = 'sent', attempts = attempts + 1, last_error = null, fields = '{}', finished_at = now()
where id = %(mail_id)s

-- name: retry_later
-- Or given up, a day after the first attempt.
-- params: mail_id, error, delay_s, give_up_s
update outgoing_mails
set attempts = attempts + 1, last_error = %(error)s,
    first_attempt_at = coalesce(first_attempt_at, now()),
    next_attempt_at = now() + %(delay_s)s::float8 * interval '1 second',
    status = case when given_up.over then 'failed' else 'pending' end,
    finished_at = case when given_up.over then now() end
from (
    select first_attempt_at < now() - %(give_up_s)s::float8 * interval '1 second' is true as over
    from outgoing_mails where id = %(mail_id)s
) as given_up
where id = %(mail_id)s

-- name: failed
update outgoing_mails
set status = 'failed', attempts = attempts + 1, last_error = %(error)s, finished_at = now()
where id = %(mail_id)s

-- name: due_lines
-- Lines of digests that are due, in the order of events within each digest.
-- params: limit
select
    alert_lines.id as line_id, alert_lines.user_uid as line_user_uid,
    alert_lines.miner_id as line_miner_id,
    alert_lines.workers as own_workers, users.email,
    coalesce(miners.title, miners.account_name) as miner_title, event_details.*
from alert_lines
join users on users.uid = alert_lines.user_uid and users.email is not null
join miners on miners.id = alert_lines.miner_id
join event_details on event_details.event_id = alert_lines.event_id
where alert_lines.channel = 'email' and alert_lines.due_at <= now()
order by users.email, alert_lines.miner_id, event_details.sequence
limit %(limit)s::int4

-- name: make_digest
-- The lines become one mail.
-- params: line_ids, kind, user_uid, fields
with taken as (
    delete from alert_lines where id = any(%(line_ids)s::int8[]) returning id
)
insert into outgoing_mails (kind, to_address, language, fields, user_uid)
select %(kind)s, users.email, users.language, %(fields)s, users.uid
from users
where users.uid = %(user_uid)s and users.email is not null and exists (select from taken)

-- name: forget
-- Mails that ended long ago, and lines of users without an address.
delete from outgoing_mails
where status <> 'pending' and finished_at < now() - %(keep_s)s::float8 * interval '1 second'

-- name: list_failed
select id as mail_id, kind, to_address, attempts, last_error, created_at, finished_at
from outgoing_mails
where status = 'failed'
order by id
limit %(limit)s::int4

-- name: replay_failed
-- Due at once, with all attempts before them again.
update outgoing_mails
set status = 'pending', attempts = 0, first_attempt_at = null, next_attempt_at = now(),
    finished_at = null
where status = 'failed' and (%(mail_id)s::int8 is null or id = %(mail_id)s::int8)
