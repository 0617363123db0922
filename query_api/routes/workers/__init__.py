"""Routes of workers, their lists, and boundary workers."""
