-- name: leader_beat
-- As of when the figures are.
select epoch, beat_at, stream_time, complete_to from leader
