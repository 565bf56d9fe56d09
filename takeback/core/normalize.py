"""Normal forms in which e-mail addresses, order numbers, codes and names are compared."""

import re
from string import ascii_lowercase, ascii_uppercase
from unicodedata import digit, normalize

_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)

# Zero-width and bidirectional marks, line separators, tags.
_MARKS = (
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"
)
_MARK = re.compile(f"[{_MARKS}]")
# Also C0 and C1 controls.
INVISIBLE = re.compile(f"[\x00-\x1f\x7f-\x9f{_MARKS}]")


def folded(text: str) -> str:
    """Lower-case ASCII letters only, as the transform `Folded` does in the database.

    Full case folding would turn look-alikes of other alphabets into ASCII.

    >>> folded("TR-\\u0130X"), folded("\\u212aate") == folded("kate")
    ('tr-İx', False)
    """
    return text.translate(_LOWER)


EMAIL_KEY_MAX = 254
_DOMAIN_MAX = 253


def email_key(email: str) -> str:
    """The form in which e-mail addresses are compared.

    ASCII letters are in lower case; the domain has its IDNA form (UTS 46, in ASCII), so that every
    spelling of a domain is one. A domain that has no such form stays as it is.

    >>> email_key(" Jane.Doe@Example.COM ")
    'jane.doe@example.com'
    >>> email_key("Jöe@MÜNCHEN.example"), email_key("jöe@xn--mnchen-3ya.example")
    ('jöe@xn--mnchen-3ya.example', 'jöe@xn--mnchen-3ya.example')
    """
    text = email.strip(" ")
    if text.isascii():
        return text.lower()
    text = folded(text)
    local, at, domain = text.rpartition("@")
    if not at or domain.isascii() or len(domain) > _DOMAIN_MAX:
        return text
    import idna  # its tables take 17 MB: only shops with such addresses load them

    try:
        key = f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except UnicodeError:
        return text
    return key if len(key) <= EMAIL_KEY_MAX else text


NUMBER_KEY_MAX = 128
# Besides invisible characters: white space, variation selectors and blank letters.
_IGNORED = re.compile(
    rf"\s|{INVISIBLE.pattern}|[\u034f\u115f\u1160\u17b4\u17b5\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
_NUMBER_PREFIX = re.compile(r"(?:#|no\.?)+")


def number_key(number: str) -> str:
    """The form in which order numbers are compared.

    NFKC; without white space and invisible characters; without a leading `#`, `no` or `no.`; ASCII
    letters in lower case, decimal digits in ASCII. A number of nothing but a prefix keeps it.

    >>> [number_key(text) for text in ("# 1001", "No. 1 001", "\u2116\u06611001", "#")]
    ['1001', '1001', '11001', '#']
    """
    if number.isascii() and number.isprintable():
        text = number.replace(" ", "").lower()
    else:
        text = _IGNORED.sub("", normalize("NFKC", number))
        text = folded(normalize("NFKC", _ascii_digits(text)))
    key = text[match.end() :] if (match := _NUMBER_PREFIX.match(text)) else text
    # NFKC makes some characters longer; a key that fits no column would be refused by PostgreSQL.
    return (key or text) if len(text) <= NUMBER_KEY_MAX else folded(number)


def _ascii_digits(text: str) -> str:
    return "".join(str(digit(sign)) if sign.isdecimal() else sign for sign in text)


def has_mixed_digits(text: str) -> bool:
    """Whether the text has digits of more than one script; full-width digits are ASCII digits.

    >>> has_mixed_digits("1001"), has_mixed_digits("\u0661\u0660"), has_mixed_digits("1\u0660")
    (False, False, True)
    """
    if text.isascii():
        return False
    digits = (sign for sign in normalize("NFKC", text) if sign.isdigit())
    return len({ord(sign) - digit(sign) for sign in digits}) > 1


def without_marks(text: str) -> str:
    """The text without invisible marks and outer white space; controls inside it stay.

    >>> without_marks("\u200b #1001\u202c ")
    '#1001'
    """
    return _MARK.sub("", text).strip()


NAME_KEY_MAX = 255
_ONE_LETTER = str.maketrans({"\u0131": "i", "\u0307": None})


def name_key(name: str) -> str:
    """The form in which names are compared: case-folded, in every alphabet.

    Dotted and dotless i are one letter: their case pairs depend on the language, which is unknown
    for a name. Accents stay: Oya is not Öya.

    >>> name_key(" I\\u015eIK "), name_key("\\u0131\\u015f\\u0131k"), name_key("Straße")
    ('işik', 'işik', 'strasse')
    """
    composed = normalize("NFC", name.strip(" "))
    return normalize("NFC", composed.casefold().translate(_ONE_LETTER))[:NAME_KEY_MAX]
