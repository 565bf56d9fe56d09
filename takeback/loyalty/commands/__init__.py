"""Commands of loyalty accounts: credits, debits, and the accounts themselves."""
