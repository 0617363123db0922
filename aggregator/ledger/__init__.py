"""The double-entry ledger: transfers, its checks, its journal."""
