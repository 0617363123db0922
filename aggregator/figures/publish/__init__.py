"""What the leader writes for readers: published figures and entity totals."""
