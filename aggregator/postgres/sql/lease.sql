-- name: acquire
-- Take the lease if nobody renewed it for lease_s; waits for a transaction of its holder.
update {table}
set epoch = epoch + 1, holder = %(holder)s, renewed_at = clock_timestamp()
where renewed_at < clock_timestamp() - make_interval(secs => %(lease_s)s)
returning epoch;

-- name: renew
-- A locked row belongs to a transaction of the holder, which keeps the lease by itself.
update {table}
set renewed_at = clock_timestamp()
where only_row in (select only_row from {table} where epoch = %(epoch)s for update skip locked);

-- name: epoch
select epoch from {table};

-- name: fence
-- First in every write transaction of the holder: the lock keeps everybody else from taking the
-- lease until the commit; no row means that somebody has taken it.
select epoch from {table} where epoch = %(epoch)s for update;

-- name: fence_shared
-- The same for transactions of one holder that run at the same time.
select epoch from {table} where epoch = %(epoch)s for share;

-- name: release
-- At an orderly stop, so that the next process need not wait.
update {table} set renewed_at = 'epoch', holder = null where epoch = %(epoch)s;
