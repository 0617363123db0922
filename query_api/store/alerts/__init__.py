"""What a miner is alerted of, and the programs that hear of it."""
