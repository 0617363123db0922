-- name: append
-- Worker minutes of one flush, one row each; the leader adds them up (figures/sql/merge.sql).
copy flushed_minutes (
    bucket, worker_id, miner_id, operator_id, source_id,
    accepted_count, rejected_count, accepted, rejected, last_share_at,
    stale, duplicate, low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
) from stdin (format binary)

-- name: save_sequences
-- The highest sequence taken from each producer, so that a repeat is known after a restart too.
insert into producer_sequences as known
    (cluster_id, topic, partition, producer_id, sequence, seen_at)
select %(cluster_id)s, %(topic)s, taken.partition, taken.producer_id, taken.sequence, now()
from unnest(%(partitions)s::int4[], %(producer_ids)s::text[], %(sequences)s::int8[])
    as taken (partition, producer_id, sequence)
order by taken.partition, taken.producer_id
on conflict (cluster_id, topic, partition, producer_id) do update
set sequence = greatest(known.sequence, excluded.sequence), seen_at = excluded.seen_at

-- name: find_sequences
-- What is remembered of some producers.
select known.partition, known.producer_id, known.sequence
from producer_sequences as known
join unnest(%(partitions)s::int4[], %(producer_ids)s::text[]) as asked (partition, producer_id)
    using (partition, producer_id)
where known.cluster_id = %(cluster_id)s
    and known.topic = %(topic)s
    and known.seen_at > now() - make_interval(secs => %(kept_s)s)

-- name: expire_sequences
-- Forget producers that were not heard of for so long that their retries are over.
delete from producer_sequences where seen_at < now() - make_interval(secs => %(kept_s)s)
