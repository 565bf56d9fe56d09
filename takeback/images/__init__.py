"""Images of cases: decoded with limits, re-encoded in a child process, stored durably."""
