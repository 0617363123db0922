-- The same keys as before, made in one pass over the name: the second regular expression took 50 µs,
-- more than half of what a new worker costs. A first minute of a million new workers is made of these.

create or replace function hashgauge_natural_key(name text) returns text
language sql immutable strict parallel safe as $$
    select coalesce(
        string_agg(coalesce(part[1], repeat('0', 20 - length(part[2])) || part[2]), ''), ''
    )
    from regexp_matches(name, '([^0-9]+)|([0-9]+)', 'g') as part
$$;
