"""Setting units of a line apart."""
