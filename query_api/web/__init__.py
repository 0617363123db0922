"""The dashboard: sources of the page, and the routes that serve what was built from them."""
