"""Cases from before, or from elsewhere."""
