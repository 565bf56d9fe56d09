"""The API for sales channels and other systems: orders, cases, plans, customers and sync."""
