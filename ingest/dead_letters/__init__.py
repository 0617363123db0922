"""Messages that could not be counted: kept whole, limited, read and sent again."""
