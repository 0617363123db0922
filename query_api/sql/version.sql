-- name: figures_version
-- As of when the figures are.
select epoch, cycle_at, stream_time, watermark from leader
