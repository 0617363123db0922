"""Money in the database: schedules that the API writes, bookings that it reads."""
