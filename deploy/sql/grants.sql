-- What each process may do in the database: the whole of it, given anew at every migration to the
-- roles that there are. psycopg statements, run by the owner.

-- name: hashgauge_api
-- Reads what it shows. Writes what people change; books no payment of its own, edits no minute.
revoke all on all tables in schema {schema} from hashgauge_api;
grant select on all tables in schema {schema} to hashgauge_api;
revoke select on
    producer_sequences, wallet_coins, wallet_spends, wallet_sightings
from hashgauge_api;
grant insert, update, delete on
    users, roles, invitations, api_keys, telegram_invites, telegram_chats, notification_preferences,
    watcher_bookmarks, webhooks, known_devices, thresholds, worker_labels
to hashgauge_api;
grant insert, update on
    pools, operators, miners, watchers, boundary_workers, boundary_hashrates, deletion_requests,
    fee_entries, profit_sharings, wallets, wallet_addresses, wallet_min_payments
to hashgauge_api;
grant insert on
    workers, worker_removals, events, outgoing_mails, referrals, referrer_codes, ledger_transfers,
    payments, payout_requests
to hashgauge_api;
grant update on webhook_deliveries to hashgauge_api;
grant usage on all sequences in schema {schema} to hashgauge_api;

-- name: hashgauge_notifier
-- Reads the outbox and whom to write to. No key, no session, no money.
revoke all on all tables in schema {schema} from hashgauge_notifier;
grant select on
    schema_migrations, events, event_details, alert_recipients, workers, miners, operators, pools,
    sources, entities, users, roles, notification_preferences, worker_figures, entity_figures,
    status_counts, worker_1h, entity_1h, leader, stream, intake_stream, intake_partitions,
    last_outage
to hashgauge_notifier;
grant select, insert, update, delete on
    alerts, alert_lines, outgoing_mails, webhook_deliveries, telegram_chats,
    telegram_disconnections, publisher_cursors
to hashgauge_notifier;
grant select, update on
    publisher, event_sequence, webhooks, telegram_invites, telegram_updates, thresholds
to hashgauge_notifier;
grant insert on events to hashgauge_notifier;
grant update (sequence) on events to hashgauge_notifier;
-- To hold a row while a message to it is written takes the right to change one column.
grant update (status) on users to hashgauge_notifier;
grant update (granted_at) on roles to hashgauge_notifier;

-- name: hashgauge_aggregator
-- Intake, figures, settlement, payouts; it publishes, too. It gives no rights, and sees no key.
revoke all on all tables in schema {schema} from hashgauge_aggregator;
grant select on all tables in schema {schema} to hashgauge_aggregator;
revoke select on
    api_keys, watchers, watcher_bookmarks, invitations, known_devices, telegram_invites
from hashgauge_aggregator;
grant insert, update, delete on
    intake_partitions, intake_stream, producer_sequences, flushed_minutes, dirty_minutes, replay,
    worker_minutes, entity_minutes, worker_15m, worker_1h, worker_1d, entity_15m, entity_1h,
    entity_1d, worker_statuses, window_blocks, entity_figures, status_counts, source_figures,
    ring_buckets, retention_marks, events, chain_blocks, operator_reassignments, worker_aliases
to hashgauge_aggregator;
grant insert, update on
    miners, workers, sources, pools, boundary_workers, settlements, settlement_terms,
    settlement_work, settlement_rows, settlement_carries, payments, payout_batches, payout_items,
    payout_inputs, payout_left_out, payout_money, payout_requests, payout_steps,
    payout_transactions, payout_transaction_inputs, wallet_coins, wallet_deposits, wallet_scanned,
    wallet_sightings, wallet_spends, reward_rates, worker_details
to hashgauge_aggregator;
grant insert on ledger_transfers to hashgauge_aggregator;
grant update on leader, settlement_leader, status_sweep, event_sequence to hashgauge_aggregator;
grant delete on worker_removals to hashgauge_aggregator;
grant usage on all sequences in schema {schema} to hashgauge_aggregator;

-- name: plain
grant usage on schema hashgauge_shim to hashgauge_aggregator;
grant insert, update, delete on
    worker_15m_closed, worker_1h_closed, worker_1d_closed, entity_15m_closed, entity_1h_closed,
    entity_1d_closed, late_rollups
to hashgauge_aggregator;
grant update on closed_rollups to hashgauge_aggregator;

-- name: timescale
-- Only its owner refreshes an aggregate, and the leader does; the owner of the rest is a member of
-- the aggregator's role.
grant insert, update, delete on rollup_queue to hashgauge_aggregator;

-- name: refreshed
-- The aggregates, and whether they are the aggregator's already.
select format('%%I.%%I', view_schema, view_name), view_owner = 'hashgauge_aggregator'
from timescaledb_information.continuous_aggregates
where view_schema = current_schema()

-- name: known_roles
select rolname from pg_roles where rolname = any(%(names)s)
