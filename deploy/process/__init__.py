"""How a process runs: services, signals, sockets, logs, metrics, traces."""
