-- Profit sharing, referrals and their codes.

-- name: active_sharings
-- params: donor_id
select s.rate, s.type, s.valid_from, s.valid_until, r.uid as recipient_uid, r.account_name
from profit_sharings s
join miners r on r.id = s.recipient_id
where s.donor_id = $1::int4
  and s.valid_from <= (now() at time zone 'UTC')::date
  and coalesce(s.valid_until > (now() at time zone 'UTC')::date, true)
order by r.account_name collate "C", s.id

-- name: sharings_page
-- Between two miners, the newest first. One that was replaced before it began is left out.
-- params: donor_id, recipient_id, limit, offset
with matching as (
    select * from profit_sharings
    where donor_id = $1::int4 and recipient_id = $2::int4
      and coalesce(valid_until > valid_from, true)
), page as (
    select * from matching order by valid_from desc, id desc limit $3::int4 offset $4::int4
)
select (select count(*) from matching) as total_count,
       p.id, p.rate, p.type, p.valid_from, p.valid_until, r.uid as recipient_uid, r.account_name
from (values (1)) as one
left join page p on true
left join miners r on r.id = p.recipient_id
order by p.valid_from desc, p.id desc

-- name: end_sharing
-- From the next 00:00 UTC; one that has not begun by then never does.
-- params: donor_id, recipient_id, who
update profit_sharings
set valid_until = greatest(valid_from, (now() at time zone 'UTC')::date + 1),
    ended_at = now(), ended_by = $3::text
where donor_id = $1::int4 and recipient_id = $2::int4
  and (valid_until is null or valid_until > (now() at time zone 'UTC')::date + 1)
returning id

-- name: begin_sharing
-- From the next 00:00 UTC.
-- params: donor_id, recipient_id, type, rate, who
insert into profit_sharings (donor_id, recipient_id, type, rate, valid_from, created_by)
values ($1::int4, $2::int4, $3::text, $4::numeric, (now() at time zone 'UTC')::date + 1, $5::text)

-- name: shared_rate
-- What a donor gives of its reward from the next day on, all in all.
-- params: donor_id
select coalesce(sum(rate), 0) from profit_sharings
where donor_id = $1::int4
  and coalesce(valid_until > greatest(valid_from, (now() at time zone 'UTC')::date + 1), true)

-- name: lock_donor
-- params: donor_id
select id from miners where id = $1::int4 for update

-- name: add_referrer_code
-- The miner's code stays as it is once there is one. Nothing if another miner has this code.
-- params: miner_id, code
insert into referrer_codes (miner_id, code) values ($1::int4, $2::text)
on conflict do nothing

-- name: referrer_code
-- params: miner_id
select c.code, p.fee as pool_fee, p.pool_rate_multiplier, p.referrer_reward_multiplier
from referrer_codes c
join miners m on m.id = c.miner_id
join pools p on p.id = m.pool_id
where c.miner_id = $1::int4

-- name: add_referral
-- Nothing for a code that no miner of this pool has.
-- params: miner_id, code
insert into referrals (miner_id, referrer_id, code)
select m.id, c.miner_id, c.code
from miners m
join referrer_codes c on c.code = $2::text
join miners r on r.id = c.miner_id and r.pool_id = m.pool_id
where m.id = $1::int4 and c.miner_id <> m.id
returning miner_id

-- name: referrals_page
-- Who registered with the miner's code, the newest first. The rate is a share of the gross.
-- params: referrer_id, limit, offset
with page as (
    select * from referrals where referrer_id = $1::int4
    order by created_at desc, miner_id desc limit $2::int4 offset $3::int4
)
select (select count(*) from referrals where referrer_id = $1) as total_count,
       m.uid, m.created_at as registered_at,
       coalesce(f.fee, p.fee) * p.referrer_reward_multiplier as rate,
       figures.accepted_1d as accepted_day, figures.accepted_1w as accepted_week,
       month.accepted as accepted_month
from (values (1)) as one
left join page on true
left join miners m on m.id = page.miner_id
left join pools p on p.id = m.pool_id
left join entity_figures figures on figures.entity_id = m.id
left join lateral (
    select fee from fee_entries
    where relation = 'miner_pool' and payer_id = m.id and payee_id = m.pool_id
      and valid_from <= (now() at time zone 'UTC')::date and superseded_at is null
    order by valid_from desc limit 1
) f on true
left join lateral (
    select sum(accepted) as accepted from entity_1d
    where entity_id = m.id and bucket >= date_trunc('day', now(), 'UTC') - interval '30 days'
      and bucket < date_trunc('day', now(), 'UTC')
) month on true
order by page.created_at desc, page.miner_id desc
