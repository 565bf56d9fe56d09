"""The password hashes of other systems that are accepted: their forms, limits and checks."""

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import argon2
import bcrypt

IMPORTED: Final = "imported"
PREFIX: Final = f"{IMPORTED}$"
HASH_MAX = 240

# Below the minimum a hash is weak; above the maximum each login attempt costs too much.
PBKDF2_ITERATIONS = range(10_000, 5_000_001)
BCRYPT_COST = range(8, 15)
PHPASS_COST = range(11, 19)
SCRYPT_MIN_WORK = 2**14
ARGON2_MIN_WORK = 1024
MAX_MEMORY_KIB = 256 * 1024
MAX_MEMORY_PASSES = 4 * MAX_MEMORY_KIB
"""Memory in KiB times passes: both bound the seconds of an attempt."""
MAX_PARALLELISM = 16


ACCEPTED: Final = (
    "pbkdf2_sha256, pbkdf2_sha1, argon2, bcrypt, bcrypt_sha256, scrypt, $2a$, $2b$, $2y$, "
    "$argon2id$, $argon2i$, $P$, $H$, $wp$2y$"
)


class HashError(StrEnum):
    """Why a hash cannot become a password."""

    UNKNOWN_FORMAT = "unknown_format"
    COST_OUT_OF_LIMITS = "cost_out_of_limits"


class UnacceptableHash(ValueError):
    """A hash that cannot become a customer's password."""

    def __init__(self, kind: HashError) -> None:
        super().__init__(kind.value)
        self.kind = kind


Match = re.Match[str]


@dataclass(frozen=True, slots=True)
class HashFormat:
    """A format: the form of its hashes, its limits of cost, and its check."""

    pattern: re.Pattern[str]
    is_cost_accepted: Callable[[Match], bool]
    verify: Callable[[str, Match], bool]


def stored_form(text: str) -> str:
    """The text that becomes the customer's password column, or UnacceptableHash."""
    matched = _find(text)
    if matched is None:
        raise UnacceptableHash(HashError.UNKNOWN_FORMAT)
    form, match = matched
    if not form.is_cost_accepted(match):
        raise UnacceptableHash(HashError.COST_OUT_OF_LIMITS)
    return PREFIX + text


def is_password_of(password: str, text: str) -> bool:
    """Whether the hash belongs to the password; False for a hash of another form."""
    matched = _find(text)
    return matched is not None and matched[0].verify(password, matched[1])


def _find(text: str) -> tuple[HashFormat, Match] | None:
    if len(text) > HASH_MAX:
        return None
    matches = ((form, form.pattern.fullmatch(text)) for form in FORMATS)
    return next(((form, match) for form, match in matches if match), None)


def _is_pbkdf2_cost_accepted(match: Match) -> bool:
    return int(match["iterations"]) in PBKDF2_ITERATIONS


def _verify_pbkdf2(password: str, match: Match) -> bool:
    digest = hashlib.pbkdf2_hmac(
        match["digest"], password.encode(), match["salt"].encode(), int(match["iterations"])
    )
    return hmac.compare_digest(b64encode(digest).decode(), match["hash"])


def _scrypt_memory_kib(match: Match) -> int:
    return int(match["n"]) * int(match["r"]) // 8


def _is_scrypt_cost_accepted(match: Match) -> bool:
    n, parallelism, memory = int(match["n"]), int(match["p"]), _scrypt_memory_kib(match)
    return (
        n & (n - 1) == 0
        and n * int(match["r"]) >= SCRYPT_MIN_WORK * 8
        and memory <= MAX_MEMORY_KIB
        and memory * parallelism <= MAX_MEMORY_PASSES
        and 0 < parallelism <= MAX_PARALLELISM
    )


def _verify_scrypt(password: str, match: Match) -> bool:
    digest = hashlib.scrypt(
        password.encode(),
        salt=match["salt"].encode(),
        n=int(match["n"]),
        r=int(match["r"]),
        p=int(match["p"]),
        # OpenSSL needs some room in addition to the table.
        maxmem=(_scrypt_memory_kib(match) + 1024) * 1024,
        dklen=64,
    )
    return hmac.compare_digest(b64encode(digest).decode(), match["hash"])


def _is_argon2_cost_accepted(match: Match) -> bool:
    memory, passes, parallelism = int(match["m"]), int(match["t"]), int(match["p"])
    return (
        memory * passes >= ARGON2_MIN_WORK
        and memory <= MAX_MEMORY_KIB
        and memory * passes <= MAX_MEMORY_PASSES
        and 0 < parallelism <= MAX_PARALLELISM
        and memory >= 8 * parallelism
        and _is_canonical(match["salt"])
        and _is_canonical(match["hash"])
    )


def _is_canonical(text: str) -> bool:
    """Whether this is Base64 without padding as argon2 writes it; its library refuses others."""
    padded = text + "=" * (-len(text) % 4)
    try:
        return b64encode(b64decode(padded, validate=True)).decode() == padded
    except Base64Error:
        return False


def _verify_argon2(password: str, match: Match) -> bool:
    kind = argon2.Type.ID if match["kind"] == "argon2id" else argon2.Type.I
    try:
        return argon2.low_level.verify_secret(match["phc"].encode(), password.encode(), kind)
    except argon2.exceptions.VerificationError:
        return False


def _is_bcrypt_cost_accepted(match: Match) -> bool:
    return int(match["cost"]) in BCRYPT_COST


def _bcrypt(secret: bytes, match: Match) -> bool:
    """Bcrypt uses the first 72 bytes. The library refuses longer secrets; others cut them off."""
    return bcrypt.checkpw(secret[:72], match["bcrypt"].encode())


def _verify_bcrypt(password: str, match: Match) -> bool:
    return _bcrypt(password.encode(), match)


def _verify_bcrypt_sha256(password: str, match: Match) -> bool:
    return _bcrypt(hashlib.sha256(password.encode()).hexdigest().encode(), match)


def _verify_wordpress(password: str, match: Match) -> bool:
    digest = hmac.digest(b"wp-sha384", _trimmed(password), "sha384")
    return _bcrypt(b64encode(digest), match)


def _trimmed(password: str) -> bytes:
    """WordPress removes outer spaces before it hashes and before it checks, as PHP's trim does."""
    return password.encode().strip(b" \n\r\t\v\0")


_PHPASS_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _is_phpass_cost_accepted(match: Match) -> bool:
    return _PHPASS_ALPHABET.index(match["cost"]) in PHPASS_COST


def _verify_phpass(password: str, match: Match) -> bool:
    secret = _trimmed(password) if match["kind"] == "P" else password.encode()
    digest = hashlib.md5(match["salt"].encode() + secret, usedforsecurity=False).digest()
    for _round in range(1 << _PHPASS_ALPHABET.index(match["cost"])):
        digest = hashlib.md5(digest + secret, usedforsecurity=False).digest()
    return hmac.compare_digest(_phpass_base64(digest), match["hash"])


def _phpass_base64(digest: bytes) -> str:
    """22 digits of 6 bits, the lowest first."""
    value = int.from_bytes(digest, "little")
    groups = (value >> 24 * group & 0xFFFFFF for group in range(6))
    digits = (_PHPASS_ALPHABET[group >> 6 * place & 63] for group in groups for place in range(4))
    return "".join(digits)[:22]


_SALT = r"(?P<salt>[!-#%-~]{4,64})"
_COST_NUMBER = r"[1-9][0-9]{0,9}"
_BCRYPT_HASH = r"(?P<bcrypt>\$2[aby]\$(?P<cost>[0-9]{2})\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31})"
_BCRYPT_2Y = _BCRYPT_HASH.replace("[aby]", "y")


def _form(
    pattern: str, is_cost_accepted: Callable[[Match], bool], verify: Callable[[str, Match], bool]
) -> HashFormat:
    return HashFormat(re.compile(pattern, re.ASCII), is_cost_accepted, verify)


FORMATS: Final = (
    _form(
        rf"pbkdf2_(?P<digest>sha256)\$(?P<iterations>{_COST_NUMBER})\${_SALT}"
        r"\$(?P<hash>[+/0-9A-Za-z]{43}=)",
        _is_pbkdf2_cost_accepted,
        _verify_pbkdf2,
    ),
    _form(
        rf"pbkdf2_(?P<digest>sha1)\$(?P<iterations>{_COST_NUMBER})\${_SALT}"
        r"\$(?P<hash>[+/0-9A-Za-z]{27}=)",
        _is_pbkdf2_cost_accepted,
        _verify_pbkdf2,
    ),
    _form(
        rf"scrypt\$(?P<n>{_COST_NUMBER})\${_SALT}\$(?P<r>{_COST_NUMBER})\$(?P<p>{_COST_NUMBER})"
        r"\$(?P<hash>[+/0-9A-Za-z]{86}==)",
        _is_scrypt_cost_accepted,
        _verify_scrypt,
    ),
    _form(
        r"(?:argon2)?(?P<phc>\$(?P<kind>argon2id?)\$(?:v=(?:16|19)\$)?"
        rf"m=(?P<m>{_COST_NUMBER}),t=(?P<t>{_COST_NUMBER}),p=(?P<p>{_COST_NUMBER})"
        r"\$(?P<salt>[+/0-9A-Za-z]{11,64})\$(?P<hash>[+/0-9A-Za-z]{22,86}))",
        _is_argon2_cost_accepted,
        _verify_argon2,
    ),
    _form(rf"(?:bcrypt\$)?{_BCRYPT_HASH}", _is_bcrypt_cost_accepted, _verify_bcrypt),
    _form(rf"bcrypt_sha256\${_BCRYPT_HASH}", _is_bcrypt_cost_accepted, _verify_bcrypt_sha256),
    _form(rf"\$wp{_BCRYPT_2Y}", _is_bcrypt_cost_accepted, _verify_wordpress),
    _form(
        r"\$(?P<kind>[PH])\$(?P<cost>[./0-9A-Za-z])(?P<salt>[./0-9A-Za-z]{8})"
        r"(?P<hash>[./0-9A-Za-z]{22})",
        _is_phpass_cost_accepted,
        _verify_phpass,
    ),
)
"""The accepted formats: those of Django, raw bcrypt and argon2, WordPress, phpBB."""
