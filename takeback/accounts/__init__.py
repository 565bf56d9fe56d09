"""Who may call: shoppers with a session, systems with a key."""
