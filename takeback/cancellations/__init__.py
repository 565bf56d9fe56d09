"""Cancellations and returns: the rules, the cases, and the plans that refund them."""
