"""Adapters of payment providers, one file each, behind the port `refunds.providers`."""
