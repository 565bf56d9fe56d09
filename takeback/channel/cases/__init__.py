"""Cases of a channel: lists, new cases, changes and transitions."""
