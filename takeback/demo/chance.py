"""Drawing lots."""

from random import Random


def happens(rng: Random, share: float) -> bool:
    """True in this share of all draws."""
    return rng.random() < share
