"""History of another pool's software → minutes and rollups, beside live traffic."""
