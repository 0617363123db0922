-- Workers in the order that people count in: unit4, unit39, unit46.

-- Every run of digits is filled up with zeros to 20 of them; longer runs keep theirs. The worker
-- index of the API does the same (`schemas/names/natural_order.py`).
create function hashgauge_natural_key(name text) returns text
language sql immutable strict parallel safe as $$
    select regexp_replace(
        regexp_replace(name, '([0-9]+)', '0000000000000000000\1', 'g'),
        '0{0,19}([0-9]{20,})', '\1', 'g'
    )
$$;

alter table workers add column name_key text collate "C" not null
    generated always as (hashgauge_natural_key(name)) stored;
