"""Who is signed in with a session, and how long that holds."""

from typing import Any

from django.utils.crypto import constant_time_compare, salted_hmac

from takeback.accounts.sessions import AccountRow

AUTH_HASH = "auth_hash"


def owner_of(session: Any) -> AccountRow | None:
    """Who is signed in: an active customer whose password has not changed since."""
    signed = session.get(AUTH_HASH)
    account: AccountRow | None = session.owner
    if account is None or not account.is_active or not signed:
        return None
    return account if constant_time_compare(signed, auth_hash(account.password)) else None


def auth_hash(password: str) -> str:
    """Ends every session of an account whose password changes."""
    return salted_hmac("takeback.storefront.session", password, algorithm="sha256").hexdigest()
