"""Setting a second factor, and giving it up."""

import pyotp
import segno
from cryptography.exceptions import InvalidTag
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import mark_safe

from takeback.accounts.sign_in import code_buckets
from takeback.accounts.staff import active_staff_user
from takeback.accounts.totp import disable_totp, enable_totp, totp_context
from takeback.core import clock
from takeback.core.encryption import decrypt, encrypt
from takeback.core.errors import Refused
from takeback.desk import auth, forms
from takeback.desk.base import DeskPage, SeeOther
from takeback.limits.commands import decrement, enforce, increment

ISSUER = "Takeback"
_SCALE = 5


class SecondFactor(DeskPage):
    """Looking changes nothing: the new secret waits sealed in the form until its first code."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(pyotp.random_base32())

    def post(self, request: HttpRequest) -> HttpResponse:
        tries, now = code_buckets(self.agent.id), clock.now()
        enforce(tries, increment(tries, now))
        code = self.form.get("code", "")
        if self.agent.has_totp:
            secret, sealed = "", None
            done = disable_totp(self.agent.id, code, now)
        else:
            secret = _opened(self.form.get("sealed", ""), self.agent.id)
            sealed = enable_totp(self.agent.id, secret, code, now) if secret else None
            done = sealed is not None
        if not done:
            return self._page(secret or pyotp.random_base32(), str(forms.WRONG_CODE))
        decrement([bucket.key for bucket in tries])
        self._renew(sealed)
        return SeeOther(reverse("desk_second_factor"))

    def _renew(self, sealed: str | None) -> None:
        user = active_staff_user(self.agent.id)
        if user:
            auth.renew(self.agent, user.password, sealed)

    def _page(self, secret: str, fault: str = "") -> HttpResponse:
        told = {"fault": fault, "faults": {"code": fault} if fault else None}
        if not self.agent.has_totp:
            address = pyotp.TOTP(secret).provisioning_uri(
                name=self.agent.username, issuer_name=ISSUER
            )
            picture = segno.make(address, micro=False).svg_inline(scale=_SCALE, light="#fff")
            told |= {
                "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
                "sealed": encrypt(secret, totp_context(self.agent.id)),
                "picture": mark_safe(picture),  # noqa: S308 - drawn by us
            }
        return self.show("second_factor", told, status=400 if fault else 200)


def _opened(sealed: str, user_id: int) -> str:
    """The secret that we put into the form; empty for whatever else comes back."""
    try:
        return decrypt(sealed, totp_context(user_id))
    except (InvalidTag, ValueError, Refused):
        return ""
