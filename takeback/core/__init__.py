"""The ground: money, errors, paging, wire input. Knows nothing of the trade."""
