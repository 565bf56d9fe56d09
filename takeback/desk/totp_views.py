"""Turning two-step sign-in (TOTP) on and off."""

from datetime import datetime

import pyotp
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.safestring import mark_safe

from takeback.accounts.sign_in import attempt, code_buckets
from takeback.accounts.staff import active_staff_user
from takeback.accounts.totp import disable_totp, enable_totp, totp_context
from takeback.core import clock
from takeback.core.encryption import decrypt, encrypt
from takeback.core.errors import Refused
from takeback.desk.auth import keep_session
from takeback.desk.base import AgentView, SeeOther
from takeback.desk.formatting import group_by_four
from takeback.desk.forms import WRONG_CODE, CodeForm, DeskForm, SecondFactorForm


class TotpView(AgentView):
    """GET stores nothing: the form carries the new secret, encrypted, until its first code."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._render(self._new_form(), pyotp.random_base32())

    def post(self, request: HttpRequest) -> HttpResponse:
        form, now = self._new_form(request.POST), clock.now()
        secret = "" if self.agent.has_totp else self._decrypt(request.POST.get("secret", ""))
        buckets = code_buckets(self.agent.id)
        result = attempt(buckets, lambda: self._toggle(form, secret, now), now)
        if not result:
            if form.is_valid():
                form.add_error("code", WRONG_CODE)
            return self._render(form, secret or pyotp.random_base32())
        if user := active_staff_user(self.agent.id):
            keep_session(self.agent, user)
        if isinstance(result, list):
            return self.render_page("recovery_codes", {"codes": result, "is_new": True})
        return SeeOther(reverse("desk_account"))

    def _toggle(self, form: DeskForm, secret: str, now: datetime) -> list[str] | bool:
        """Turn two-step sign-in off or on; the recovery codes when it is on, False if refused."""
        if not form.is_valid():
            return False
        code = form.cleaned_data["code"]
        if self.agent.has_totp:
            return disable_totp(self.agent.id, code, now)
        return bool(secret) and enable_totp(self.agent.id, secret, code, now)

    def _new_form(self, data: QueryDict | None = None) -> DeskForm:
        """Only a code of the app turns two-step sign-in on; a recovery code may turn it off."""
        return SecondFactorForm(data) if self.agent.has_totp else CodeForm(data)

    def _decrypt(self, text: str) -> str:
        """The secret that this page has encrypted for this agent; empty for any other text."""
        try:
            return decrypt(text, totp_context(self.agent.id))
        except (ValueError, Refused):
            return ""

    def _render(self, form: DeskForm, secret: str) -> HttpResponse:
        context: dict[str, object] = {"form": form}
        if not self.agent.has_totp:
            uri = pyotp.TOTP(secret).provisioning_uri(
                name=self.agent.username, issuer_name="Takeback"
            )
            import segno  # its tables take 2 MB: only who turns two-step sign-in on loads them

            image = segno.make(uri, micro=False).svg_inline(scale=5, light="#fff")
            context |= {
                "secret": group_by_four(secret),
                "encrypted_secret": encrypt(secret, totp_context(self.agent.id)),
                "qr_code": mark_safe(image),  # noqa: S308 - drawn by us
            }
        return self.render_page("totp", context, status=400 if form.errors else 200)
