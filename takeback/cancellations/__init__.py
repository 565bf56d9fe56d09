"""Cancellation and return cases: rules, life cycle, refund plans and history."""
