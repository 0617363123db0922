-- Reward rates as they are published.

-- name: reward_rates
-- BTC per TH/s and day, cut to 8 decimals.
-- params: first, last, currency
select day, trunc(numerator * 1000000000000 * 100000000 / denominator) / 100000000 as rate_per_th
from reward_rates
where day between $1::date and $2::date and currency = $3::text
order by day

-- name: reward_rate
-- One day with the blocks behind it.
-- params: day, currency
select day, scheme, rate, subsidy_rate, fee_ratio, blocks, dropped, created_at, created_by,
       trunc(numerator * 1000000000000 * 100000000 / denominator) / 100000000 as rate_per_th
from reward_rates
where day = $1::date and currency = $2::text
