"""Names and titles: what is allowed, how they are ordered, how a cell of a CSV holds them."""
