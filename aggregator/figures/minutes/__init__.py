"""Worker minutes: merged, read into arrays, marked dirty, summed for entities."""
