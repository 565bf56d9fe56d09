"""When two e-mail addresses are the same."""

from string import ascii_lowercase, ascii_uppercase

_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def email_key(email: str) -> str:
    """The form in which addresses are compared: only ASCII letters lose their case.

    Anything more would fold look-alikes of other alphabets into ASCII.

    >>> email_key(" Jane.Doe@Example.COM "), email_key("\\u212aate@x.y") == email_key("kate@x.y")
    ('jane.doe@example.com', False)
    """
    return email.strip(" ").translate(_LOWER)
