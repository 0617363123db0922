-- Retention of events asks of each whether a message about it still waits, and so do the foreign
-- keys: without these every deleted event reads both tables through.
create index webhook_deliveries_event on webhook_deliveries (event_id);
create index telegram_lines_event on telegram_lines (event_id);
