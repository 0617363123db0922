"""Lists of very many workers, sorted and searched in memory."""
