"""Routes of miners, operators and pools, and of access to them."""
