"""Places, address books, and the copies of addresses that belong to orders."""
