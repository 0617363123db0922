-- A row or more in every table of the first schema.
insert into pools (title, domain) values ('Harbor', 'harbor.example');
insert into operators (pool_id, title) values (1, 'Dock 3');
insert into miners (account_name, title, pool_id, operator_id, alert_delay_s)
values ('alice', 'Alice', 1, 2, 300), ('bob', null, 1, null, 0);
insert into workers (miner_id, name, behavior)
values (3, 'rig1', 'hardware'), (3, 'rig.2', 'hardware'), (4, '', 'hardware'), (4, 'loan', 'boundary');
insert into sources (name) values ('stratum-eu');

insert into intake_partitions (
    cluster_id, topic, partition, next_offset, owner_epoch, owner, last_offset, last_timestamp,
    last_crc, stream_time, caught_up
)
values (
    'cluster', 'shares', 0, 42, 3, 'host-1', 41, '2026-03-02 11:59:59+00', 12345,
    '2026-03-02 12:00:00+00', true
);
insert into producer_sequences values ('cluster', 'shares', 0, 'run-1', 17, '2026-03-02 12:00:00+00');

insert into worker_minutes (
    bucket, worker_id, miner_id, operator_id, source_id, accepted_count, rejected_count, accepted,
    rejected, last_share_at, stale, invalid
)
select
    minute, worker_id, case when worker_id < 3 then 3 else 4 end,
    case when worker_id < 3 then 2 end, 1, 3, 1, 3 * 4096, 4096, minute + interval '40 seconds',
    case when worker_id = 1 then 4096 end, case when worker_id <> 1 then 4096 end
from generate_series(timestamptz '2026-03-01 00:00+00', '2026-03-02 11:59+00', '7 minutes') minute,
    generate_series(1, 4) worker_id;
insert into entity_minutes (
    bucket, entity_id, accepted_count, rejected_count, accepted, rejected, stale, invalid
)
select bucket, miner_id, sum(accepted_count), sum(rejected_count), sum(accepted), sum(rejected),
    sum(stale), sum(invalid)
from worker_minutes group by 1, 2;
insert into dirty_minutes (bucket, worker_ids)
values ('2026-03-02 11:55+00', null), ('2026-03-01 10:00+00', '{1,2}');

update leader set
    epoch = 7, holder = 'host-1', renewed_at = '2026-03-02 12:00:00+00',
    stream_time = '2026-03-02 12:00:00+00', watermark = '2026-03-02 12:00:00+00',
    cycle_at = '2026-03-02 12:00:05+00';
insert into worker_figures (worker_id, miner_id, status, status_since, accepted_15m, rejected_1w)
values (1, 3, 'stable', '2026-03-01 00:01+00', 24576, 4096),
    (2, 3, 'unavailable', '2026-03-02 11:00+00', 0, 0);
insert into entity_figures (entity_id, accepted_1d) values (3, 98304);
insert into status_counts values (3, 'stable', 1), (3, 'unavailable', 1);
insert into worker_removals (worker_id) values (2);

insert into boundary_workers (worker_id, donor_id, created_at)
values (4, 3, '2026-03-01 08:00+00');
insert into boundary_hashrates values (4, '2026-03-01 08:00+00', 100000000000000);

insert into events (event_id, kind, at, miner_id, worker_id, from_status, to_status, cause, sequence)
values (
    '00000000-0000-4000-8000-000000000001', 'worker-status-changed', '2026-03-02 11:00+00', 3, 2,
    'stable', 'unavailable', 'silent', 1
);

insert into users (uid, email) values ('00000000-0000-4000-8000-0000000000aa', 'a@harbor.example');
insert into roles (entity_id, user_uid, role)
values (3, '00000000-0000-4000-8000-0000000000aa', 'owner');
insert into api_keys (digest, user_uid, title)
values ('\x00ff', '00000000-0000-4000-8000-0000000000aa', 'laptop');
insert into watchers (miner_id, token, title) values (3, 'hfwl_00', 'screen');
insert into watcher_bookmarks (user_uid, token)
values ('00000000-0000-4000-8000-0000000000aa', 'hfwl_00');
insert into notification_preferences
values ('00000000-0000-4000-8000-0000000000aa', 'telegram', 'worker-status-changed', true);
insert into telegram_invites (code, user_uid, valid_until)
values ('code', '00000000-0000-4000-8000-0000000000aa', '2026-03-03 00:00+00');
insert into telegram_chats (user_uid, chat_id, chat_user)
values ('00000000-0000-4000-8000-0000000000aa', 5, '{"id": 5}');
insert into webhooks (id, miner_id, url, secret)
values ('00000000-0000-4000-8000-0000000000bb', 3, 'https://hook.example', 'whsec_AAAA');
insert into webhook_deliveries (webhook_id, event_id)
values ('00000000-0000-4000-8000-0000000000bb', '00000000-0000-4000-8000-000000000001');
insert into publisher_cursors values ('kafka', 1);
update publisher set epoch = 2, holder = 'host-1', renewed_at = '2026-03-02 12:00:00+00';
