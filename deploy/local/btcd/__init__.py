"""One real Bitcoin node (btcd) on this machine, built from the Go module proxy."""
