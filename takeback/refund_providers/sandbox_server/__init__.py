"""A payment provider for tests and demos: a real HTTP server that misbehaves on demand.

It has a durable ledger of its own, so that after any failure two ledgers can be compared.
"""
