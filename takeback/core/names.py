"""When two names of people are the same."""

from unicodedata import normalize

KEY_MAX = 255
_ONE_LETTER = str.maketrans({"\u0131": "i", "\u0307": None})


def name_key(name: str) -> str:
    """The form in which names are compared: without case, in every alphabet.

    An i is an i with its dot or without, small or capital: which belongs to which depends on the
    language, and a name does not say its own. Accents stay: Oya is not Öya.

    >>> name_key(" I\u015eIK "), name_key("\u0131\u015f\u0131k"), name_key("Straße")
    ('işik', 'işik', 'strasse')
    """
    whole = normalize("NFC", name.strip(" "))
    return normalize("NFC", whole.casefold().translate(_ONE_LETTER))[:KEY_MAX]
