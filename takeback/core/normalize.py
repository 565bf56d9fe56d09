"""Normal forms in which e-mail addresses, codes and names are compared."""

from string import ascii_lowercase, ascii_uppercase
from unicodedata import normalize

_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def folded(text: str) -> str:
    """Only ASCII letters lose their case, as in the databases (`core.transforms`).

    Anything more would fold look-alikes of other alphabets into ASCII.

    >>> folded("TR-\\u0130X"), folded("\\u212aate") == folded("kate")
    ('tr-İx', False)
    """
    return text.translate(_LOWER)


def email_key(email: str) -> str:
    """The form in which addresses are compared: only ASCII letters lose their case.

    >>> email_key(" Jane.Doe@Example.COM ")
    'jane.doe@example.com'
    """
    return folded(email.strip(" "))


NAME_KEY_MAX = 255
_ONE_LETTER = str.maketrans({"\u0131": "i", "\u0307": None})


def name_key(name: str) -> str:
    """The form in which names are compared: without case, in every alphabet.

    An i is an i with its dot or without, small or capital: which belongs to which depends on the
    language, and a name does not say its own. Accents stay: Oya is not Öya.

    >>> name_key(" I\u015eIK "), name_key("\u0131\u015f\u0131k"), name_key("Straße")
    ('işik', 'işik', 'strasse')
    """
    whole = normalize("NFC", name.strip(" "))
    return normalize("NFC", whole.casefold().translate(_ONE_LETTER))[:NAME_KEY_MAX]
