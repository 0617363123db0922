"""Messages → columns of shares: JSON and Arrow, validated field by field."""
