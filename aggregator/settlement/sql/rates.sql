-- name: known
select 1 from reward_rates where day = %(day)s and currency = 'BTC';

-- name: keep
-- An entered rate takes the place of another one, as long as no settlement used that.
insert into reward_rates (day, scheme, numerator, denominator, rate, subsidy_rate, fee_ratio, blocks,
    dropped, created_at, created_by)
values (%(day)s, %(scheme)s, %(numerator)s::text::numeric, %(denominator)s::text::numeric,
    %(rate)s::text::numeric, %(subsidy_rate)s::text::numeric, %(fee_ratio)s::text::numeric,
    %(blocks)s, %(dropped)s, %(now)s, %(created_by)s)
on conflict (day, currency) do update
set scheme = excluded.scheme, numerator = excluded.numerator, denominator = excluded.denominator,
    rate = excluded.rate, subsidy_rate = excluded.subsidy_rate, fee_ratio = excluded.fee_ratio,
    blocks = excluded.blocks, dropped = excluded.dropped, created_at = excluded.created_at,
    created_by = excluded.created_by;

-- name: list
select day, scheme, rate, fee_ratio, jsonb_array_length(blocks) as blocks,
    jsonb_array_length(dropped) as dropped, created_at, created_by
from reward_rates
where day between %(from)s and %(to)s
order by day desc;
