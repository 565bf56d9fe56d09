"""Direct cancel: lines of one order, asked for and confirmed in a single step."""
