"""The ground: money, errors, paging and wire input, with no word of the trade."""
