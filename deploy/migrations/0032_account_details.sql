-- Miners and operators with what the API shows of them, once for an object and for a page of a list.

create view miner_details as
select
    miners.id,
    miners.uid,
    miners.account_name,
    miners.title,
    miners.status,
    miners.alert_delay_s,
    miners.muted_until,
    pools.uid as pool_uid,
    operators.uid as operator_uid,
    least(
        miners.created_at, (select min(events.at) from events where events.miner_id = miners.id)
    ) as seen_from,
    owners.uid as owner_uid,
    owners.status as owner_status,
    owners.registered_at,
    counts.statuses,
    (select wallets.uid from wallets where wallets.owner_id = miners.id) as wallet,
    hashgauge_current_fee('miner_pool', miners.id, miners.pool_id) as pool_fee,
    hashgauge_current_fee('miner_operator', miners.id, miners.operator_id) as operator_fee
from miners
join pools on pools.id = miners.pool_id
left join operators on operators.id = miners.operator_id
left join lateral (
    select users.uid, users.status, users.registered_at
    from (
        select roles.user_uid, roles.granted_at as since, 1 as place
        from roles
        where roles.entity_id = miners.id and roles.role = 'owner'
        union all
        -- As long as nobody has accepted: who is invited to own it.
        select invitations.user_uid, invitations.created_at, 2
        from invitations
        where invitations.entity_id = miners.id and 'owner' = any (invitations.roles)
            and invitations.accepted_at is null and invitations.withdrawn_at is null
            and invitations.valid_until > now()
    ) as candidates
    join users on users.uid = candidates.user_uid
    order by candidates.place, candidates.since, users.uid
    limit 1
) as owners on true
left join lateral (
    select jsonb_object_agg(worker_counts.status, worker_counts.workers) as statuses
    from worker_counts
    where worker_counts.entity_id = miners.id
) as counts on true;

create view operator_details as
select
    operators.id,
    operators.uid,
    operators.title,
    operators.status,
    operators.default_pool_fee,
    owners.uid as owner_uid,
    owners.status as owner_status,
    owners.registered_at,
    counts.statuses,
    (select wallets.uid from wallets where wallets.owner_id = operators.id) as wallet,
    (select count(*) from miners where miners.operator_id = operators.id) as miners
from operators
left join lateral (
    select users.uid, users.status, users.registered_at
    from roles
    join users on users.uid = roles.user_uid
    where roles.entity_id = operators.id and roles.role = 'owner'
    order by roles.granted_at, users.uid
    limit 1
) as owners on true
left join lateral (
    select jsonb_object_agg(worker_counts.status, worker_counts.workers) as statuses
    from worker_counts
    where worker_counts.entity_id = operators.id
) as counts on true;
