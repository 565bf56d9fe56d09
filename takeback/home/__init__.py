"""Home page and API documentation page."""
