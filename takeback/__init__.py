"""Everything a shop owes its customer after the order."""
