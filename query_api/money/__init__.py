"""What the API itself computes of money: schedules of fees, the split of a difference. Pure."""
