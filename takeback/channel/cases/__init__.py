"""Cases of a channel: found, read, decided."""
