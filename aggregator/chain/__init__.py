"""The chain as a Bitcoin node shows it: blocks, and what follows from a reorganisation."""
