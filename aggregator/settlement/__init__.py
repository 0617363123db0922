"""A day's work becomes money: rates, the split of a gross, frozen inputs, booking, corrections."""
