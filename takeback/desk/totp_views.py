"""Turning two-step sign-in (TOTP) on and off."""

from datetime import datetime

import pyotp
import segno
from cryptography.exceptions import InvalidTag
from django.http import HttpRequest, HttpResponse
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
from takeback.desk.forms import WRONG_CODE, CodeForm


class TotpView(AgentView):
    """GET stores nothing: the form carries the new secret, encrypted, until its first code."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._render(CodeForm(), pyotp.random_base32())

    def post(self, request: HttpRequest) -> HttpResponse:
        form, now = CodeForm(request.POST), clock.now()
        secret = "" if self.agent.has_totp else self._decrypt(request.POST.get("secret", ""))

        def toggle() -> bool:
            return form.is_valid() and self._toggle(secret, form.cleaned_data["code"], now)

        if not attempt(code_buckets(self.agent.id), toggle, now):
            if form.is_valid():
                form.add_error("code", WRONG_CODE)
            return self._render(form, secret or pyotp.random_base32())
        user = active_staff_user(self.agent.id)
        if user:
            keep_session(self.agent, user)
        return SeeOther(reverse("desk_second_factor"))

    def _toggle(self, secret: str, code: str, now: datetime) -> bool:
        if self.agent.has_totp:
            return disable_totp(self.agent.id, code, now)
        return bool(secret and enable_totp(self.agent.id, secret, code, now))

    def _decrypt(self, text: str) -> str:
        """The secret that this page has encrypted for this agent; empty for any other text."""
        try:
            return decrypt(text, totp_context(self.agent.id))
        except (InvalidTag, ValueError, Refused):
            return ""

    def _render(self, form: CodeForm, secret: str) -> HttpResponse:
        context: dict[str, object] = {"form": form}
        if not self.agent.has_totp:
            uri = pyotp.TOTP(secret).provisioning_uri(
                name=self.agent.username, issuer_name="Takeback"
            )
            image = segno.make(uri, micro=False).svg_inline(scale=5, light="#fff")
            context |= {
                "secret": group_by_four(secret),
                "encrypted_secret": encrypt(secret, totp_context(self.agent.id)),
                "qr_code": mark_safe(image),  # noqa: S308 - drawn by us
            }
        return self.render_page("totp", context, status=400 if form.errors else 200)
