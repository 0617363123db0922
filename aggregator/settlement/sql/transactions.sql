-- How a transaction that settles begins.

-- name: snapshot
set transaction isolation level repeatable read;

-- name: wait_for_others
-- Who only reads waits for nobody. A snapshot is taken by the first statement after this one.
lock table settlements in share row exclusive mode;
