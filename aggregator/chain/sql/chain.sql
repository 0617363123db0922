-- Our own header chain.

-- name: hashes
-- Of the newest blocks, from above.
select height, hash from chain_blocks order by height desc limit %(limit)s;

-- name: times
-- Header times of the eleven blocks below a height, ascending.
select extract(epoch from header_time)::int8
from (
    select height, header_time from chain_blocks where height < %(height)s
    order by height desc limit 11
) newest
order by height;

-- name: take_turns
-- Two services may follow: the second one writes what the first one left.
select pg_advisory_xact_lock(7021300000000001);

-- name: cut
-- Rows above the fork; those of a reorganisation are counted.
delete from chain_blocks where height > %(height)s;

-- name: insert
insert into chain_blocks
    (height, hash, prev_hash, header_time, median_time, bits, difficulty, subsidy_sat, fee_sat)
values
    (%(height)s, %(hash)s, %(prev_hash)s, to_timestamp(%(time_s)s), to_timestamp(%(median_s)s),
     %(bits)s, %(difficulty)s, %(subsidy_sat)s, %(fee_sat)s);

-- name: before
-- The newest block before a time, by median time.
select height, hash, extract(epoch from median_time)::int8, bits, subsidy_sat, fee_sat
from chain_blocks
where median_time < %(start)s
order by height desc
limit 1;

-- name: between
select height, hash, extract(epoch from median_time)::int8, bits, subsidy_sat, fee_sat
from chain_blocks
where median_time >= %(start)s and median_time < %(end)s
order by height;

-- name: newest
select height, median_time from chain_blocks order by height desc limit 1;
