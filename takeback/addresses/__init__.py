"""Where people live: places, address books, and the frozen copies that orders keep."""
