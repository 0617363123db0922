-- Closed buckets of the leader's rings as it has them in memory, for a leader that begins: it reads 20
-- bytes a worker and bucket instead of the rollups' rows of three hours. A bucket that is not here is
-- summed from the rollups. Whatever changes a minute drops its buckets in the same transaction.

create table ring_buckets (
    width_min int2 not null,
    start timestamptz not null,
    -- 100,000 workers each
    part int2 not null,
    -- minutes.reader.PACKED_SUMS
    sums bytea not null,
    primary key (start, width_min, part)
);
alter table ring_buckets alter column sums set storage external;
