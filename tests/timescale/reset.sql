-- Empties a database of everything but TimescaleDB itself, which one session cannot drop and create
-- anew. Aggregates go first: they lie upon each other, and `drop table ... cascade` refuses them.
do $$
declare
    found record;
    name text;
begin
    for found in select job_id from timescaledb_information.jobs where job_id >= 1000 loop
        perform delete_job(found.job_id);
    end loop;
    -- Read at once, not row by row: each drop changes what is read. The newest first: an aggregate
    -- is older than those upon it.
    foreach name in array array(
        select format('%I.%I', user_view_schema, user_view_name)
        from _timescaledb_catalog.continuous_agg order by mat_hypertable_id desc
    ) loop
        execute format('drop materialized view %s', name);
    end loop;
    for found in
        select case relkind when 'S' then 'sequence' when 'v' then 'view' else 'table' end as kind,
            format('%I', relname) as name
        from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'S')
            and not exists (select from pg_depend where objid = pg_class.oid and deptype in ('e', 'i', 'a'))
        order by relkind = 'S'
    loop
        execute format('drop %s if exists %s cascade', found.kind, found.name);
    end loop;
    for found in
        select oid::regprocedure::text as name from pg_proc
        where pronamespace = 'public'::regnamespace
            and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')
    loop
        execute format('drop routine %s cascade', found.name);
    end loop;
end
$$
