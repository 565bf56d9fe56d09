"""When two e-mail addresses are the same."""

from takeback.core.folding import folded


def email_key(email: str) -> str:
    """The form in which addresses are compared: only ASCII letters lose their case.

    >>> email_key(" Jane.Doe@Example.COM ")
    'jane.doe@example.com'
    """
    return folded(email.strip(" "))
