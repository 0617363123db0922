-- Real-time continuous aggregates are already what the same migration makes of rollups on plain
-- PostgreSQL: stored once a bucket is over, summed at each read until then.
comment on table rollup_queue is 'buckets that the leader refreshes once they are over';
