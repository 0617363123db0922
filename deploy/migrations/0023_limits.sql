-- Who made a miner: a user's limit counts those that it registered, intake's those that it made of
-- unknown accounts. What is there already counts as intake's, as it did.

alter table miners
    add column by_intake boolean not null default false,
    add column registered_by uuid;
update miners set by_intake = true;
create index miners_registered_by on miners (registered_by) where registered_by is not null;
