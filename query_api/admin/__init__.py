"""What an operator does to the accounts from the command line."""
