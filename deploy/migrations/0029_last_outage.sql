-- The newest time in which the service itself took in nothing: a figure over it proves no lack. One
-- row, empty without an outage; thresholds and marks of workers read by it.
create view last_outage as
with outages as (
    select partitions.outage_from, partitions.resumed_at
    from intake_stream as streams
    join intake_partitions as partitions using (cluster_id, topic)
    where streams.clock = 'wall' and partitions.resumed_at is not null
)
select min(outage_from) as outage_from, max(resumed_at) as resumed_at
from outages
where resumed_at >= (select outage_from from outages order by resumed_at desc limit 1);
