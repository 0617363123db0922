"""Users of pools: invitations, sign-ins, keys, deletion."""
