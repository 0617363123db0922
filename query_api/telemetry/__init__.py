"""Stats, charts and reports: what is asked, how it loads, how long it is kept."""
