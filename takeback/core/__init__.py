"""Infrastructure without business terms: money, errors, paging, database access."""
