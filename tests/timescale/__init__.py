"""TimescaleDB for tests: in WebAssembly behind a small wire server, or at TIMESCALE_URL."""
