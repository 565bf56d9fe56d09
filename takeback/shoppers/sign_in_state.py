"""The sign-in of a shopper: kept in the session, valid until the password changes."""

from datetime import datetime
from typing import Any

from django.utils.crypto import constant_time_compare, salted_hmac

from takeback.accounts.models import User
from takeback.accounts.sessions import USER_ID, AccountRow
from takeback.accounts.sign_in import record_login

AUTH_HASH = "auth_hash"


def start_session(session: Any, user: User, now: datetime) -> None:
    """Sign a customer in: an empty session with a new key."""
    session.cycle_key()
    session.clear()
    session.update({USER_ID: user.pk, AUTH_HASH: auth_hash(user.password)})
    session.save()
    record_login(user.pk, now)


def owner_of(session: Any) -> AccountRow | None:
    """The signed-in customer, if active and if the password has not changed since."""
    signed = session.get(AUTH_HASH)
    account: AccountRow | None = session.owner
    if account is None or not account.is_active or not signed:
        return None
    return account if constant_time_compare(signed, auth_hash(account.password)) else None


def auth_hash(password: str) -> str:
    """A hash in the session that ends every session of a user whose password changes."""
    return salted_hmac("takeback.storefront.session", password, algorithm="sha256").hexdigest()
