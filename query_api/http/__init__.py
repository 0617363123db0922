"""HTTP itself: middleware, errors, limits, parameters, responses."""
