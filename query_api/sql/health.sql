-- name: missing_relations
-- Which of the named relations are not there.
-- params: names
select array_agg(name) from unnest($1::text[]) as needed (name) where to_regclass(name) is null
