"""Workers by name: known ones, and the registration of unknown ones."""
