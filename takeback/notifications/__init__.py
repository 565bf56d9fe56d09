"""Mails to shoppers about what has become of what they asked."""
