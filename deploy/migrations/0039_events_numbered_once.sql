-- The sequence of the newest numbered event, in a row of its own: the leader numbers its events as it
-- appends them and holds this row until its commit, which for a million first shares takes seconds.
-- The publisher's row is its lease, which must be renewed meanwhile.
create table event_sequence (
    only_row boolean primary key default true check (only_row),
    newest int8 not null
);

-- A worker's next transition must not get a lower number than those before it.
with numbered_before as (
    select greatest(publisher.sequence, (select max(sequence) from events)) as newest
    from publisher
), numbered as (
    update events set sequence = numbered_before.newest + unnumbered.place
    from numbered_before,
        (select id, row_number() over (order by id) as place from events where sequence is null)
            as unnumbered
    where events.id = unnumbered.id
    returning events.sequence
)
insert into event_sequence (newest)
select greatest(newest, (select max(sequence) from numbered)) from numbered_before;

alter table publisher drop column sequence;

-- Newest first is read backwards. A descending index takes each new event in at the head of its miner's
-- range, where full pages are cut in half: 13 µs for an event instead of 9 (a million first shares).
drop index events_miner;
create index events_miner on events (miner_id, at, id);
drop index events_worker;
create index events_worker on events (worker_id, at);
