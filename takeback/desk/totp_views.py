"""Turning two-step sign-in (TOTP) on and off."""

import pyotp
import segno
from cryptography.exceptions import InvalidTag
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import mark_safe

from takeback.accounts.sign_in import code_buckets
from takeback.accounts.staff import by_id
from takeback.accounts.totp import disable_totp, enable_totp, totp_context
from takeback.core import clock
from takeback.core.encryption import decrypt, encrypt
from takeback.core.errors import Refused
from takeback.desk.auth import keep_session
from takeback.desk.base import AgentView, SeeOther
from takeback.desk.formatting import group_by_four
from takeback.desk.forms import WRONG_CODE, CodeForm
from takeback.limits.commands import decrement, enforce, increment


class TotpView(AgentView):
    """GET stores nothing: the form carries the new secret, encrypted, until its first code."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._render(CodeForm(), pyotp.random_base32())

    def post(self, request: HttpRequest) -> HttpResponse:
        buckets, form, now = code_buckets(self.agent.id), CodeForm(request.POST), clock.now()
        enforce(buckets, increment(buckets, now))
        secret = "" if self.agent.has_totp else self._decrypt(request.POST.get("secret", ""))
        if form.is_valid() and not self._toggle(secret, form.cleaned_data["code"]):
            form.add_error("code", WRONG_CODE)
        if form.errors:
            return self._render(form, secret or pyotp.random_base32())
        decrement([bucket.key for bucket in buckets])
        user = by_id(self.agent.id)
        if user:
            keep_session(self.agent, user)
        return SeeOther(reverse("desk_second_factor"))

    def _toggle(self, secret: str, code: str) -> bool:
        if self.agent.has_totp:
            return disable_totp(self.agent.id, code, clock.now())
        return bool(secret and enable_totp(self.agent.id, secret, code, clock.now()))

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
