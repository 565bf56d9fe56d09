"""Shoppers: guest look-up, guest access, sign-in state, and requesters of cases."""
