"""Mails to shoppers about their cases and offers."""
