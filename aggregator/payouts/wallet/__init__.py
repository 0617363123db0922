"""The pool's wallet: its public descriptor, its coins, the node, and transactions to be signed."""
