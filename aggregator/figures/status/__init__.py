"""Worker statuses: the rule, the sweep over all workers, transitions, silent sources."""
