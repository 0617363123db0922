-- A month of an entity: what it had, what came and went, what it has.

-- name: balance_at
-- Incoming less outgoing, of all that was booked before.
-- params: entity_id, time
select coalesce(sum(case direction when 'incoming' then amount_sat else -amount_sat end), 0)::int8
from payments where entity_id = $1::int4 and created_at < $2::timestamptz

-- name: totals
-- By type and direction.
-- params: entity_id, from, to
select type, direction, sum(amount_sat)::int8 as amount_sat, count(*) as payments
from payments
where entity_id = $1::int4 and created_at >= $2::timestamptz and created_at < $3::timestamptz
group by type, direction order by type, direction

-- name: lines
-- params: entity_id, from, to
select * from payments
where entity_id = $1::int4 and created_at >= $2::timestamptz and created_at < $3::timestamptz
order by created_at, number
