-- How far the stream has been consumed, and what was counted: worker minutes, the truth.

-- What intake has taken in, per partition. next_offset and owner_epoch fence every flush: a process
-- that does not own the row any more changes no row and stops.
create table intake_partitions (
    cluster_id text not null,
    topic text not null,
    partition int4 not null,
    next_offset int8 not null,
    owner_epoch int8 not null default 0,
    owner text,
    last_offset int8,
    last_timestamp timestamptz,
    last_crc int8,
    stream_time timestamptz,
    caught_up boolean not null default false,
    flushed_at timestamptz not null default now(),
    -- The newest outage that intake has seen: the broker did not answer (or intake was away) from
    -- outage_from to resumed_at. Shares that trickle in later do not undo it, so the leader reads it
    -- here and need not guess it from shares. Null: none yet.
    outage_from timestamptz,
    resumed_at timestamptz,
    -- A replay: records below replay_until were counted before. Of them, shares from replay_from on
    -- count again (their minutes were deleted) and older ones do not; replay_start is where reading
    -- began again. All null without a replay. What the replay has seen of the producers of partition
    -- p is kept in producer_sequences under -1 - p: the row of p itself stays as of replay_until.
    --
    -- replay_next is next_offset once more: whoever moves one without the other is refused.
    replay_start int8,
    replay_until int8,
    replay_from timestamptz,
    replay_next int8,
    primary key (cluster_id, topic, partition),
    constraint intake_partitions_outage check (
        (outage_from is null) = (resumed_at is null) and outage_from <= resumed_at
    ),
    constraint intake_partitions_replay check (
        num_nulls(replay_start, replay_until, replay_from, replay_next) in (0, 4)
        and (replay_next is null or replay_next = next_offset and next_offset < replay_until)
    )
);

-- Written at every assignment of partitions: a new cluster or topic takes the place of the old one,
-- whose rows in intake_partitions stay but no longer hold the stream time back. clock is 'wall', or
-- 'records' for replays, where record timestamps alone count.
create table intake_stream (
    only_row boolean primary key default true check (only_row),
    cluster_id text not null,
    topic text not null,
    clock text not null check (clock in ('wall', 'records')),
    assigned_at timestamptz not null default now()
);

-- One row; stream_time is null until every partition in use has one. A partition that never had a
-- record is left out of a replay's minimum.
create view stream as
select
    case
        when bool_or(partitions.stream_time is null and streams.clock = 'wall') then null
        else min(partitions.stream_time)
    end as stream_time,
    coalesce(bool_and(partitions.caught_up), false) as caught_up
from intake_stream streams
join intake_partitions partitions using (cluster_id, topic);

-- Highest sequence taken from each producer on each partition: what is not above it is a repeat.
create table producer_sequences (
    cluster_id text not null,
    topic text not null,
    partition int4 not null,
    producer_id text not null,
    sequence int8 not null,
    seen_at timestamptz not null,
    primary key (cluster_id, topic, partition, producer_id)
);
create index producer_sequences_seen on producer_sequences (seen_at);

-- One row per worker and minute with work in it: the truth. Difficulty sums in float64, exact for
-- whole difficulties; a reject reason without work is null, which costs no byte.
create table worker_minutes (
    bucket timestamptz not null,
    worker_id int4 not null,
    miner_id int4 not null,
    operator_id int4,
    source_id int4,
    accepted_count int4 not null,
    rejected_count int4 not null,
    accepted float8 not null,
    rejected float8 not null,
    last_share_at timestamptz,
    stale float8,
    duplicate float8,
    low_difficulty float8,
    job_not_found float8,
    unauthorized float8,
    time_out_of_range float8,
    invalid float8,
    primary key (worker_id, bucket)
);

-- Worker minutes as flushes bring them, several rows for one worker and minute, until the leader
-- moves them into worker_minutes. No key and no index: a flush costs little more than its bytes.
-- Emptied at every cycle, so that a vacuum is due once some cycles' rows are gone.
create table flushed_minutes (like worker_minutes) with (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_threshold = -1
);

-- Minutes of which some rows changed since the leader last read them; listed by intake in the
-- transaction of the rows. worker_ids names the workers where they are few (late shares).
create table dirty_minutes (
    id int8 generated always as identity primary key,
    bucket timestamptz not null,
    worker_ids int4[]
);

-- One row from the deletion of the minutes until the leader has made anew what is made from them:
-- entity minutes and rollups of the minutes before completed_to agree with worker minutes again.
create table replay (
    only_row boolean primary key default true check (only_row),
    replay_from timestamptz not null,
    completed_to timestamptz not null,
    begun_at timestamptz not null default now()
);
