-- Rows that stand for a limit: who holds one counts and adds alone.

-- name: lock_miners
-- params: miner_ids
select from miners where id = any($1::int4[]) order by id for no key update

-- name: lock_user
-- params: uid
select from users where uid = $1::uuid for no key update
