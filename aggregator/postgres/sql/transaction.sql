-- name: bounds
-- What the running transaction may wait for, and how long it may do nothing.
select
    set_config('idle_in_transaction_session_timeout', %(idle_ms)s::text, true),
    set_config('lock_timeout', %(lock_ms)s::text, true),
    set_config('statement_timeout', %(statement_ms)s::text, true)
