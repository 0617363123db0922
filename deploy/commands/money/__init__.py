"""Commands about money: the ledger, rates, settlement, payouts."""
