-- Closed buckets of the rings, kept for the next leader.

-- name: kept
-- Which buckets there are.
select width_min, extract(epoch from start)::int8 / 60 from ring_buckets where part = 0

-- name: keep
insert into ring_buckets (width_min, start, part, sums)
values (%(width_min)s::int2, %(start)s::timestamptz, %(part)s::int2, %(sums)s::bytea)

-- name: drop
-- Buckets that the rings have left, or whose minutes have changed.
delete from ring_buckets
where (start, width_min) in (select * from unnest(%(starts)s::timestamptz[], %(widths)s::int2[]))

-- name: read
select sums from ring_buckets
where width_min = %(width_min)s::int2 and start = %(start)s::timestamptz
order by part
