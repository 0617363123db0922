-- The sum of difficulty per account, worker, result and minute. Braces are filled in by flink_sum.py.
create table shares (
    account_name string,
    worker_name string,
    difficulty double,
    `result` string,
    share_at timestamp_ltz(3) metadata from 'timestamp',
    watermark for share_at as share_at - interval '1' second
) with (
    'connector' = 'kafka',
    'topic' = '{topic}',
    'properties.bootstrap.servers' = '{bootstrap_servers}',
    'properties.group.id' = 'flink-peer',
    'properties.isolation.level' = 'read_committed',
    'scan.startup.mode' = 'earliest-offset',
    -- At the end of the log the last minutes are written, and the job is finished.
    'scan.bounded.mode' = 'latest-offset',
    'format' = 'json'
);

create table sums (
    bucket timestamp(3),
    account_name string,
    worker_name string,
    `result` string,
    difficulty double,
    primary key (bucket, account_name, worker_name, `result`) not enforced
) with (
    'connector' = 'jdbc',
    'url' = 'jdbc:postgresql://{address}/{database}?reWriteBatchedInserts=true',
    'username' = '{user}',
    'password' = '{password}',
    'table-name' = 'flink_sums',
    'sink.buffer-flush.max-rows' = '10000',
    'sink.buffer-flush.interval' = '1s'
);

insert into sums
select window_start, account_name, worker_name, `result`, sum(difficulty)
from tumble(table shares, descriptor(share_at), interval '1' minute)
group by window_start, window_end, account_name, worker_name, `result`;
