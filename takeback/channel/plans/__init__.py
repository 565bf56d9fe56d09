"""Plans: what is decided for cases of one order, and how the money goes back."""
