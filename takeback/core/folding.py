"""Codes, numbers and addresses without their case."""

from string import ascii_lowercase, ascii_uppercase

_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def folded(text: str) -> str:
    """Only ASCII letters lose their case.

    Anything more would fold look-alikes of other alphabets into ASCII.

    >>> folded("TR-\\u0130X"), folded("\\u212aate") == folded("kate")
    ('tr-İx', False)
    """
    return text.translate(_LOWER)
