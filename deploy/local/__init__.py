"""The servers of the local stack: PostgreSQL, brokers, and the supervisor that runs everything."""
