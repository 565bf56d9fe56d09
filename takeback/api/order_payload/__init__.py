"""The wire form of an order, as channels and files send it."""
