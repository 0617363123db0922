"""`feed btcpool`: the share topic of btcpool, with names from its event topic."""
