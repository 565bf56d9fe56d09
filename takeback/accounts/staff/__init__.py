"""People who work here: what they may do, their second factor, and the keys of their logins."""
