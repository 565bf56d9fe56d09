"""The hasher of passwords that came from other systems, and the refusals of their hashes.

A hash is stored with the prefix `imported$`, which is replaced by Django's own format at the next
login. The prefix also marks a password that nobody has used here yet (`accounts.customers`).
"""

from typing import Final

from django.contrib.auth.hashers import BasePasswordHasher
from django.utils.translation import gettext_lazy as _

from takeback.accounts.password_formats import IMPORTED, PREFIX, HashError, is_password_of

UNKNOWN_FORMAT = _(
    "This is not a password hash of an accepted format. Send pbkdf2_sha256, pbkdf2_sha1, argon2, "
    "bcrypt, bcrypt_sha256 or scrypt as Django stores them, or a hash that begins with $2a$, $2b$, "
    "$2y$, $argon2id$, $argon2i$, $P$, $H$ or $wp$2y$."
)
COST_OUT_OF_LIMITS = _(
    "The cost of this password hash is outside the limits: pbkdf2 10,000 to 5,000,000 iterations, "
    "bcrypt 8 to 14, $P$ and $H$ 11 to 18, argon2 512 KiB to 256 MiB, scrypt 16 MiB to 256 MiB. "
    "Let the customer set a new password instead."
)
SENTENCES: Final = {
    HashError.UNKNOWN_FORMAT: UNKNOWN_FORMAT,
    HashError.COST_OUT_OF_LIMITS: COST_OUT_OF_LIMITS,
}


class ImportedPasswordHasher(BasePasswordHasher):
    """Checks the hashes of `stored_form`. It makes none: Django replaces them at a login."""

    algorithm = IMPORTED

    def verify(self, password: str, encoded: str) -> bool:
        return is_password_of(password, encoded.removeprefix(PREFIX))
