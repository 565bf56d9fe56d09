"""Password hashes of other systems: published vectors, limits, and the upgrade at a login."""

import base64
import hashlib
import hmac
from typing import Any

import bcrypt
import pytest
from django.contrib.auth.hashers import check_password, make_password

from takeback.accounts import password_formats, sign_in
from takeback.accounts.models import User
from takeback.accounts.sign_in import check_credentials
from tests import factories

SCRYPT = (
    "scrypt$16384$seasalt$8$1$Qj3+9PPyRjSJIebHnG81TMjsqtaIGxNQG/aEB/NYafTJ7tibgfYz71m0ldQESkXF"
    "RkdVCBhhY8mx7rQwite/Pw=="
)
ARGON2ID = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
ARGON2I = "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA"
BCRYPT = "$2a$10$k87L/MF28Q673VKh8/cPi.SUl7MU/rWuSiIDDFayrKk/1tBsSQu4u"
WORDPRESS = "$wp$2y$10$Q1xinFjrZeLWJBvxviIL6u834Fu.evIEFHAUVisQ5O.w9Dm0sMdES"
PHPASS = "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"

# From Django's tests, the reference code of Argon2, jBCrypt, phpass and hashcat, a WordPress site.
VECTORS = [
    ("lètmein", "pbkdf2_sha256$600000$seasalt$OAXyhAQ/4ZDA9V5RMExt3C1OwQdUpLZ99vm1McFlLRA="),
    ("lètmein", SCRYPT),
    ("password", ARGON2ID),
    ("password", ARGON2I),
    ("password", "argon2" + ARGON2ID),
    ("a", BCRYPT),
    ("a", "bcrypt$" + BCRYPT),
    ("a", BCRYPT.replace("$2a$", "$2b$")),
    ("a", BCRYPT.replace("$2a$", "$2y$")),
    ("abc", "$2a$10$WvvTPHKwdBJ3uk0Z37EMR.hLA2W6N9AEBhEgrAOljy2Ae5MtaSIUi"),
    ("admin", WORDPRESS),
    (" admin\n", WORDPRESS),
    ("test12345", PHPASS),
    ("test12345 ", PHPASS),
    ("hashcat", "$P$984478476IagS59wHZvyQMArzfx58u."),
    ("hashcat", "$H$984478476IagS59wHZvyQMArzfx58u."),
]


@pytest.mark.parametrize(("password", "text"), VECTORS)
def test_published_hash_accepts_its_password_only(password: str, text: str) -> None:
    encoded = password_formats.stored_form(text)

    assert encoded == "imported$" + text
    assert check_password(password, encoded)
    assert not check_password(password + "x", encoded)
    assert not check_password("", encoded)


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
def test_pbkdf2_of_the_standard_library_is_accepted(digest: str) -> None:
    raw = hashlib.pbkdf2_hmac(digest, b"pass\0word", b"some-salt!", 20_000)
    text = f"pbkdf2_{digest}$20000$some-salt!${base64.b64encode(raw).decode()}"

    assert check_password("pass\0word", password_formats.stored_form(text))


def test_long_passwords_and_zero_bytes_follow_each_format() -> None:
    salt, long = bcrypt.gensalt(8), "ö" * 50
    raw = bcrypt.hashpw(long.encode()[:72], salt).decode()
    complete = bcrypt.hashpw(hashlib.sha256(long.encode()).hexdigest().encode(), salt).decode()
    mac = hmac.new(b"wp-sha384", long.encode(), "sha384").digest()
    wp = bcrypt.hashpw(base64.b64encode(mac), salt).decode().replace("$2b$", "$2y$")

    for text in (raw, "bcrypt_sha256$" + complete, "$wp" + wp):
        assert check_password(long, password_formats.stored_form(text))
        assert not check_password("a\0b", password_formats.stored_form(text))
    assert not check_password(long[:40], password_formats.stored_form("bcrypt_sha256$" + complete))


UNKNOWN = [
    "",
    " ",
    "secret",
    "5f4dcc3b5aa765d61d8327deb882cf99",
    "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8",
    "md5$seasalt$3f86d0d3d465b7b458c231bf3555c0e3",
    "md5$$88a434c88cca4e900f7874cd98123f43",
    "sha1$seasalt$cff36ea83f5706ce9aa7454e63e431fc726b2dc8",
    "crypt$$ab1Hv2Lg7ltQo",
    "ab1Hv2Lg7ltQo",
    "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/",
    "$6$saltsalt$" + "a" * 86,
    "!",
    "imported$" + BCRYPT,
    BCRYPT + "\0",
    BCRYPT + "\n",
    " " + BCRYPT,
    BCRYPT[:-1],
    BCRYPT + "a",
    BCRYPT.replace("$2a$", "$2x$"),
    BCRYPT[:28] + "a" + BCRYPT[29:],
    WORDPRESS.replace("$2y$", "$2b$"),
    "$wp" + PHPASS,
    PHPASS[:-1],
    PHPASS.replace("I", "*"),
    ARGON2ID.replace("argon2id", "argon2d"),
    ARGON2ID.replace("c29tZXNhbHQ", "c29t"),
    ARGON2ID.replace("m=65536", "m=-1"),
    ARGON2ID.replace("v=19", "v=99"),
    SCRYPT.replace("seasalt", "s"),
    SCRYPT[:-4],
    "pbkdf2_sha256$20000$seasalt$short=",
    "pbkdf2_sha512$20000$seasalt$" + "A" * 86 + "==",
    "pbkdf2_sha256$٢٠٠٠٠$seasalt$" + "A" * 43 + "=",
    "pbkdf2_sha256$20000$" + "s" * 300 + "$" + "A" * 43 + "=",
]
COSTLY = [
    BCRYPT.replace("$10$", "$04$"),
    BCRYPT.replace("$10$", "$07$"),
    BCRYPT.replace("$10$", "$15$"),
    BCRYPT.replace("$10$", "$99$"),
    WORDPRESS.replace("$10$", "$31$"),
    PHPASS.replace("$9", "$8"),
    PHPASS.replace("$9", "$S"),
    "pbkdf2_sha256$9999$seasalt$" + "A" * 43 + "=",
    "pbkdf2_sha256$5000001$seasalt$" + "A" * 43 + "=",
    "pbkdf2_sha1$1$seasalt$" + "A" * 27 + "=",
    ARGON2ID.replace("m=65536", "m=262145"),
    ARGON2ID.replace("m=65536,t=2", "m=262144,t=5"),
    ARGON2ID.replace("m=65536,t=2", "m=511,t=2"),
    ARGON2ID.replace("p=1", "p=17"),
    ARGON2ID.replace("m=65536", "m=9999999999"),
    ARGON2ID.replace("HQ$", "HR$"),
    SCRYPT.replace("16384", "16383"),
    SCRYPT.replace("16384", "8192"),
    SCRYPT.replace("16384", "524288"),
    SCRYPT.replace("$8$1$", "$8$65$"),
    SCRYPT.replace("$8$1$", "$999999999$1$"),
]


@pytest.mark.parametrize("text", UNKNOWN)
def test_unknown_and_malformed_hashes_are_refused(text: str) -> None:
    with pytest.raises(password_formats.UnacceptableHash) as refused:
        password_formats.stored_form(text)

    assert refused.value.kind is password_formats.HashError.UNKNOWN_FORMAT


@pytest.mark.parametrize("text", COSTLY)
def test_weak_and_too_costly_hashes_are_refused(text: str) -> None:
    with pytest.raises(password_formats.UnacceptableHash) as refused:
        password_formats.stored_form(text)

    assert refused.value.kind is password_formats.HashError.COST_OUT_OF_LIMITS


def test_stored_text_of_no_format_matches_no_password() -> None:
    assert not check_password("secret", "imported$secret")


@pytest.mark.django_db
def test_first_login_replaces_the_hash() -> None:
    user = factories.create_customer(password=password_formats.stored_form(PHPASS))

    assert check_credentials(user, "test12345") is user

    stored = User.objects.get().password
    assert stored == user.password
    assert stored.startswith("md5$")  # the tests' preferred format
    again = check_credentials(User.objects.get(), "test12345")
    assert again is not None
    assert again.password == stored


@pytest.mark.django_db
def test_wrong_password_leaves_the_hash() -> None:
    user = factories.create_customer(password=password_formats.stored_form(PHPASS))

    assert check_credentials(user, "test1234") is None
    assert User.objects.get().password == password_formats.stored_form(PHPASS)


@pytest.mark.django_db
def test_wrong_password_takes_at_least_as_long_as_without_a_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hashed: list[str] = []
    monkeypatch.setattr(sign_in, "make_password", hashed.append)
    user = factories.create_customer(password=password_formats.stored_form(PHPASS))

    check_credentials(None, "no customer")
    check_credentials(user, "wrong password")

    assert hashed == ["no customer", "wrong password"]


@pytest.mark.django_db
@pytest.mark.parametrize(("other", "is_signed_in"), [("test12345", True), ("changed", False)])
def test_login_keeps_a_password_that_changes_meanwhile(other: str, is_signed_in: bool) -> None:
    user = factories.create_customer(password=password_formats.stored_form(PHPASS))
    changed = make_password(other)
    User.objects.update(password=changed)

    result = check_credentials(user, "test12345")

    assert (result is user) is is_signed_in
    assert User.objects.get().password == changed
    assert not is_signed_in or user.password == changed


def test_real_settings_upgrade_to_argon2(settings: Any) -> None:
    upgraded: list[str] = []

    assert check_password("test12345", password_formats.stored_form(PHPASS), upgraded.append)

    assert upgraded == ["test12345"]
    assert make_password("test12345").startswith("argon2$argon2id$")
    assert len(SCRYPT) < len(password_formats.PREFIX) + password_formats.HASH_MAX <= 255
