"""Transactional outbox: messages commit with the change they report, a worker delivers them."""
