"""Routes by which a channel's systems say what they do, and find objects by their own ids."""
