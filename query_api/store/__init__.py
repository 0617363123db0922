"""What the API reads and writes, one file per subject; the SQL stands in `query_api/sql`."""
