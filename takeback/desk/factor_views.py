"""Setting a second factor, and giving it up."""

import pyotp
import segno
from cryptography.exceptions import InvalidTag
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import mark_safe

from takeback.accounts.logins import code_buckets
from takeback.accounts.staff.codes.commands import enrol, give_up
from takeback.accounts.staff.commands import totp_context
from takeback.accounts.staff.queries import by_id
from takeback.core import clock
from takeback.core.problems import Refused
from takeback.core.sealing import seal, unseal
from takeback.desk import access, forms
from takeback.desk.handling import DeskPage, SeeOther
from takeback.limits.commands import give_back, hit, refuse_above

ISSUER = "Takeback"
_SCALE = 5


class SecondFactor(DeskPage):
    """Looking changes nothing: the new secret waits sealed in the form until its first code."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(pyotp.random_base32())

    def post(self, request: HttpRequest) -> HttpResponse:
        tries, now = code_buckets(self.agent.id), clock.now()
        refuse_above(tries, hit(tries, now))
        code = self.form.get("code", "")
        if self.agent.has_totp:
            secret, sealed = "", None
            done = give_up(self.agent.id, code, now)
        else:
            secret = _opened(self.form.get("sealed", ""), self.agent.id)
            sealed = enrol(self.agent.id, secret, code, now) if secret else None
            done = sealed is not None
        if not done:
            return self._page(secret or pyotp.random_base32(), str(forms.WRONG_CODE))
        give_back([bucket.key for bucket in tries])
        self._renew(sealed)
        return SeeOther(reverse("desk_second_factor"))

    def _renew(self, sealed: str | None) -> None:
        user = by_id(self.agent.id)
        if user:
            access.renew(self.agent, user.password, sealed)

    def _page(self, secret: str, fault: str = "") -> HttpResponse:
        told = {"fault": fault, "faults": {"code": fault} if fault else None}
        if not self.agent.has_totp:
            address = pyotp.TOTP(secret).provisioning_uri(
                name=self.agent.username, issuer_name=ISSUER
            )
            picture = segno.make(address, micro=False).svg_inline(scale=_SCALE, light="#fff")
            told |= {
                "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
                "sealed": seal(secret, totp_context(self.agent.id)),
                "picture": mark_safe(picture),  # noqa: S308 - drawn by us
            }
        return self.show("second_factor", told, status=400 if fault else 200)


def _opened(sealed: str, user_id: int) -> str:
    """The secret that we put into the form; empty for whatever else comes back."""
    try:
        return unseal(sealed, totp_context(user_id))
    except (InvalidTag, ValueError, Refused):
        return ""
