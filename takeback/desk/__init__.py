"""Where agents work: the queue of cases, one case, and deciding it."""
