"""PostgreSQL as the write side uses it: transactions, binary COPY, lease, retry."""
