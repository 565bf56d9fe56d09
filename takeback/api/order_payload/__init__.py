"""The payload of an order, as channels and files send it."""
