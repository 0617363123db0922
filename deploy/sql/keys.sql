-- Internal API keys, for `hashgauge keys`. psycopg statements.

-- name: create
-- Store a key by its sha256; the key itself is shown once and kept nowhere.
insert into api_keys (digest, title)
values (%(digest)s, %(title)s)
returning id

-- name: list
-- Internal keys (those of users are theirs), newest last.
select id, title, created_at, revoked_at
from api_keys
where user_uid is null
order by created_at

-- name: revoke
-- From the next few seconds on the key opens nothing.
update api_keys
set revoked_at = now()
where id = %(id)s and revoked_at is null
returning id
