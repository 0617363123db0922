"""Stage 2, the leader: committed minutes → windows, sums, statuses, rollups, current figures."""
