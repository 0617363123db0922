-- hashgauge: statement by statement
-- Charts and daily reports read two sums of a rollup. With them in the key's index they need no row
-- of a chunk that is not compressed yet. The old index, which stands in the schema of the table behind
-- the aggregate, goes last: charts always have one.

create index if not exists worker_15m_covering on worker_15m (worker_id, bucket) include (accepted, rejected);
drop index if exists _timescaledb_internal.worker_15m_key;

create index if not exists worker_1h_covering on worker_1h (worker_id, bucket) include (accepted, rejected);
drop index if exists _timescaledb_internal.worker_1h_key;

create index if not exists worker_1d_covering on worker_1d (worker_id, bucket) include (accepted, rejected);
drop index if exists _timescaledb_internal.worker_1d_key;

create index if not exists entity_15m_covering on entity_15m (entity_id, bucket) include (accepted, rejected);
drop index if exists _timescaledb_internal.entity_15m_key;

create index if not exists entity_1h_covering on entity_1h (entity_id, bucket) include (accepted, rejected);
drop index if exists _timescaledb_internal.entity_1h_key;

create index if not exists entity_1d_covering on entity_1d (entity_id, bucket) include (accepted, rejected);
drop index if exists _timescaledb_internal.entity_1d_key;
