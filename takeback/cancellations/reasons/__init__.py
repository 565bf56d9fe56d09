"""Why somebody cancels or returns: the shop's own list."""
