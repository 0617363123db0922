-- Tags, groups and notes of workers. {scope} is a column of miners (id, operator_id, pool_id).

-- name: labels_of
-- params: worker_ids
select worker_id, tags, group_name, note from worker_labels where worker_id = any($1::int4[])

-- name: labelled
-- Ids of an entity's workers with all of the tags and in the group.
-- params: entity_id, tags, group (null: any or none)
select l.worker_id
from worker_labels l
join workers w on w.id = l.worker_id
join miners m on m.id = w.miner_id
where m.{scope} = $1::int4
  and l.tags @> $2::text[]
  and ($3::text is null or l.group_name = $3)

-- name: label_counts
-- Each tag and group that an entity's workers have, but for the removed, and how many have it.
-- params: entity_id
with labels as (
    select l.tags, l.group_name
    from worker_labels l
    join workers w on w.id = l.worker_id
    join miners m on m.id = w.miner_id
    left join worker_statuses f on f.worker_id = w.id
    where m.{scope} = $1::int4
      and f.status is distinct from 'removed'
      and not exists (select from worker_removals x where x.worker_id = w.id)
)
select 'tag' as kind, tag as name, count(*) as workers from labels, unnest(tags) as tag group by tag
union all
select 'group', group_name, count(*) from labels where group_name is not null group by group_name

-- name: in_scope
-- Those of these workers that are an entity's.
-- params: entity_id, uids
select w.id, w.uid, w.miner_id
from workers w
join miners m on m.id = w.miner_id
where m.{scope} = $1::int4 and w.uid = any($2::uuid[])

-- name: change_labels
-- Tags in alphabetical order. The miners are locked: two changes at once are one after the other.
-- params: worker_ids, added, removed, sets_group, group, sets_note, note
merge into worker_labels l
using (
    select asked.id as worker_id,
           array(
               select tag from unnest(coalesce(old.tags, '{}') || $2::text[]) as tag
               where tag <> all($3::text[]) group by tag order by tag collate "C"
           ) as tags,
           case when $4::bool then $5::text else old.group_name end as group_name,
           case when $6::bool then $7::text else old.note end as note
    from unnest($1::int4[]) as asked (id)
    left join worker_labels old on old.worker_id = asked.id
) as changed on changed.worker_id = l.worker_id
when matched and changed.tags = '{}' and changed.group_name is null and changed.note is null
    then delete
when matched
    then update set tags = changed.tags, group_name = changed.group_name, note = changed.note
when not matched
    and (changed.tags <> '{}' or changed.group_name is not null or changed.note is not null)
    then insert values (
        changed.worker_id, changed.tags, changed.group_name, changed.note
    )
