-- name: acquire
-- Take the lease where nobody renewed it for lease_s; waits for a beat that is being written.
update leader
set epoch = epoch + 1, holder = %(holder)s, renewed_at = clock_timestamp()
where renewed_at < clock_timestamp() - make_interval(secs => %(lease_s)s)
returning epoch;

-- name: renew
-- A row that is locked belongs to a beat being written, which renews the lease itself.
update leader
set renewed_at = clock_timestamp()
where only_row in (select only_row from leader where epoch = %(epoch)s for update skip locked);

-- name: epoch
select epoch from leader;

-- name: fence
-- The first statement of every write transaction of the leader. The lock keeps everybody else from
-- taking the lease until the commit; no row means that somebody has it already.
select epoch from leader where epoch = %(epoch)s for update;

-- name: release
-- At an orderly stop, so that the next leader need not wait.
update leader set renewed_at = 'epoch', holder = null where epoch = %(epoch)s;
