"""Files that a shop brings along: its orders, and the history of the system before."""
