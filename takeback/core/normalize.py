"""Normal forms in which e-mail addresses, codes and names are compared."""

from string import ascii_lowercase, ascii_uppercase
from unicodedata import normalize

_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def folded(text: str) -> str:
    """Lower-case ASCII letters only, as the transform `Folded` does in the database.

    Full case folding would turn look-alikes of other alphabets into ASCII.

    >>> folded("TR-\\u0130X"), folded("\\u212aate") == folded("kate")
    ('tr-İx', False)
    """
    return text.translate(_LOWER)


def email_key(email: str) -> str:
    """The form in which e-mail addresses are compared: ASCII letters in lower case.

    >>> email_key(" Jane.Doe@Example.COM ")
    'jane.doe@example.com'
    """
    return folded(email.strip(" "))


NAME_KEY_MAX = 255
_ONE_LETTER = str.maketrans({"\u0131": "i", "\u0307": None})


def name_key(name: str) -> str:
    """The form in which names are compared: case-folded, in every alphabet.

    Dotted and dotless i are one letter: their case pairs depend on the language, which is unknown
    for a name. Accents stay: Oya is not Öya.

    >>> name_key(" I\u015eIK "), name_key("\u0131\u015f\u0131k"), name_key("Straße")
    ('işik', 'işik', 'strasse')
    """
    composed = normalize("NFC", name.strip(" "))
    return normalize("NFC", composed.casefold().translate(_ONE_LETTER))[:NAME_KEY_MAX]
