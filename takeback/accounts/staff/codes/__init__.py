"""The second factor of staff: codes that change every half minute (RFC 6238)."""
