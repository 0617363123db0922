-- Requests for steps: written by commands and the API, carried out by whoever has the node.

-- name: ask
insert into payout_requests (pool_id, batch_id, action, arguments, requested_by)
values (%(pool_id)s, %(batch_id)s, %(action)s, %(arguments)s, %(requested_by)s)
returning id;

-- name: open
select id from payout_requests where outcome is null order by requested_at, id;

-- name: take
-- No row if another process has it in hand, or if it is finished.
select * from payout_requests
where id = %(request_id)s and outcome is null
for update skip locked;

-- name: finish
update payout_requests
set outcome = %(outcome)s, message = %(message)s, finished_at = %(now)s
where id = %(request_id)s;

-- name: wait
update payout_requests set message = %(message)s where id = %(request_id)s and outcome is null;

-- name: paying_pool
-- The batch's pool; without a batch the one that is named by uid or title, else the oldest.
select pools.id
from pools
where case
    when %(batch_id)s::uuid is not null then
        pools.id = (select pool_id from payout_batches where id = %(batch_id)s)
    when %(pool)s::text is not null then %(pool)s in (pools.uid::text, pools.title)
    else true
end
order by pools.id
limit 1;
