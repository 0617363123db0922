-- What people write on a worker: tags, one group, a note. No row: nothing.
create table worker_labels (
    worker_id int4 primary key references workers on delete cascade,
    tags text[] not null default '{}',
    group_name text,
    note text,
    constraint worker_labels_say_something check (
        tags <> '{}' or group_name is not null or note is not null
    ),
    constraint worker_labels_tags_limit check (cardinality(tags) <= 20)
);
