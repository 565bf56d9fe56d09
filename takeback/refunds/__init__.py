"""Refunds: the money that goes back, its allocation to payments, its life and its ledger."""
