"""Settings: read from the environment and files, documented, checked."""
