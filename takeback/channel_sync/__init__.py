"""What passes between us and the systems of a channel: batches, remote ids, reports of errors."""
