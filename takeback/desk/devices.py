"""Known devices: browsers in which a member of staff has signed in before.

A stranger's wrong passwords cannot lock such a browser out: it has its own limit of attempts.
"""

import secrets
from datetime import timedelta

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse

from takeback.desk.auth import COOKIE_PATH

COOKIE = "takeback_desk_device"
LIFETIME = timedelta(days=365)


def device_of(request: HttpRequest, username: str) -> str:
    """The id of a device that this user knows; empty for any other browser."""
    try:
        return _signer(username).unsign(request.COOKIES.get(COOKIE, ""), max_age=LIFETIME)
    except BadSignature:
        return ""


def remember_device(response: HttpResponse, username: str) -> None:
    """Let the browser prove later that this user signed in or reset the password with it."""
    response.set_cookie(
        COOKIE,
        _signer(username).sign(secrets.token_hex(8)),
        max_age=LIFETIME,
        path=COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _signer(username: str) -> TimestampSigner:
    return TimestampSigner(salt=f"takeback.desk.device.{username.casefold()}", sep=".")
