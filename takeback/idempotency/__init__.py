"""Same key, same answer: a call that is repeated acts once (reliability promise P10)."""
