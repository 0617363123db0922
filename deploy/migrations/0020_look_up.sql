-- What anybody may know of a pool without a credential: nothing but its anonymous stats, until its
-- operator says so.

alter table pools
    add column public_page boolean not null default false,
    add column public_miners boolean not null default false,
    -- A fee and a minimum that nobody has set are defaults of ours, and no promise of the pool.
    add column fee_published boolean not null default false,
    add column min_payout_published boolean not null default false;

update pools set fee_published = fee <> 0.009, min_payout_published = min_payout <> 0.0001;
