"""Signing in and out at the desk."""

from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from takeback.accounts import sign_in
from takeback.accounts.models import User
from takeback.accounts.sessions import SessionStore
from takeback.accounts.sign_in import record_login
from takeback.accounts.staff import active_staff_user, check_staff_password
from takeback.accounts.totp import consume_code
from takeback.core import clock
from takeback.core.client_ip import client_address
from takeback.desk import auth, forms
from takeback.desk.base import DeskPage, Page, SeeOther

_TICKET = "takeback.desk.ticket"
_TICKET_SECONDS = 300


class Login(Page):
    """A name and a password, then a code from whoever has set a second factor.

    Between the two nobody is signed in: a signed ticket in the second form says whose password
    was right.
    """

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._form()

    def post(self, request: HttpRequest) -> HttpResponse:
        if "ticket" in self.form:
            return self._second(self.form["ticket"])
        try:
            told = forms.taken(forms.Login(), self.form)
        except forms.Faults as faults:
            return self._form(faults=faults.by_field)
        username, now = told["username"], clock.now()
        tries = sign_in.login_buckets("login-staff", username.casefold(), client_address(request))
        user = sign_in.attempt(tries, lambda: check_staff_password(username, told["password"]), now)
        if user is None:
            return self._form(faults={"": _("User name or password is not right.")})
        if user.staff.totp_encrypted is None:
            return self._signed_in(user)
        return self._code_form(_ticket_for(user))

    def _second(self, ticket: str) -> HttpResponse:
        user = _holder_of(ticket)
        if user is None:
            return self._form(faults={"": _("That took too long. Please sign in again.")})
        tries, now, code = sign_in.code_buckets(user.pk), clock.now(), self.form.get("code", "")
        if not sign_in.attempt(tries, lambda: consume_code(user.pk, code, now), now):
            return self._code_form(ticket, {"code": str(forms.WRONG_CODE)})
        return self._signed_in(user)

    def _signed_in(self, user: User) -> HttpResponse:
        left = SessionStore(self.request.COOKIES.get(auth.COOKIE))
        left.flush()
        now = clock.now()
        session = auth.sign_in(user, user.staff.totp_encrypted, now)
        record_login(user.pk, now)
        answer = SeeOther(self._next or reverse("desk_queue"))
        auth.hand_over(answer, session)
        return answer

    @property
    def _next(self) -> str:
        """The page that was asked for before, if it is one of the desk."""
        told = self.form.get("next") or self.request.GET.get("next") or ""
        is_ours = told.startswith("/desk/") and url_has_allowed_host_and_scheme(told, None)
        return told if is_ours and told.isprintable() else ""

    def _form(self, faults: dict[str, str] | None = None) -> HttpResponse:
        told = {"faults": faults, "next": self._next, "told": self.form}
        return self.show("login", told, status=400 if faults else 200)

    def _code_form(self, ticket: str, faults: dict[str, str] | None = None) -> HttpResponse:
        told: dict[str, Any] = {"ticket": ticket, "faults": faults, "next": self._next}
        return self.show("code", told, status=400 if faults else 200)


class Logout(DeskPage):
    """Ends the session."""

    def post(self, request: HttpRequest) -> HttpResponse:
        self.agent.session.flush()
        answer = SeeOther(reverse("desk_login"))
        answer.delete_cookie(auth.COOKIE, path=auth.PATH, samesite="Lax")
        return answer


def _ticket_for(user: User) -> str:
    return signing.dumps({"user": user.pk, "proof": _proof(user)}, salt=_TICKET)


def _holder_of(ticket: str) -> User | None:
    try:
        told = signing.loads(ticket, salt=_TICKET, max_age=_TICKET_SECONDS)
    except signing.BadSignature:
        return None
    user = active_staff_user(told["user"])
    return user if user and constant_time_compare(told["proof"], _proof(user)) else None


def _proof(user: User) -> str:
    return auth.proof_of(user.password, user.staff.totp_encrypted)
