-- Counting the shares of a topic anew, from an instant on: `hashgauge rebuild --shares`.

-- Records below replay_until were counted before. Of them, shares from replay_from on count again
-- (their minutes were deleted) and older ones don't; replay_start is where reading began again. All
-- null where nothing is counted anew. What the replay has seen of the producers of partition p is
-- kept in producer_sequences under -1 - p: the row of p itself stays what it was at replay_until.
--
-- replay_next is next_offset once more. A process of a version that knows of no replay moves one
-- without the other, and the check refuses its flush.
alter table intake_partitions
    add column replay_start int8,
    add column replay_until int8,
    add column replay_from timestamptz,
    add column replay_next int8,
    add constraint intake_partitions_replay check (
        num_nulls(replay_start, replay_until, replay_from, replay_next) in (0, 4)
        and (replay_next is null or replay_next = next_offset and next_offset < replay_until)
    );

-- One row from the deletion of the minutes until the leader has made anew what is made from them:
-- entity minutes and rollups of the minutes before settled_to agree with worker minutes again.
create table replay (
    only_row boolean primary key default true check (only_row),
    replay_from timestamptz not null,
    settled_to timestamptz not null,
    begun_at timestamptz not null default now()
);
