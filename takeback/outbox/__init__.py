"""Messages that leave with the transaction they tell of, and the worker that delivers them."""
