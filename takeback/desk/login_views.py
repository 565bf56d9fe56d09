"""Signing in and out at the desk."""

from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from takeback.accounts import logins
from takeback.accounts.commands import note_login
from takeback.accounts.models import User
from takeback.accounts.sessions import SessionStore
from takeback.accounts.staff.codes.commands import take
from takeback.accounts.staff.queries import by_id, by_password
from takeback.core import clock
from takeback.core.callers import client_address
from takeback.desk import access, forms
from takeback.desk.handling import DeskPage, Page, SeeOther
from takeback.limits.commands import give_back, hit, refuse_above

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
        tries = logins.buckets("login-staff", username.casefold(), client_address(request))
        refuse_above(tries, hit(tries, now))
        user = by_password(username, told["password"])
        if user is None:
            return self._form(faults={"": _("User name or password is not right.")})
        give_back([bucket.key for bucket in tries])
        if user.staff.totp_sealed is None:
            return self._signed_in(user)
        return self._code_form(_ticket_for(user))

    def _second(self, ticket: str) -> HttpResponse:
        user = _holder_of(ticket)
        if user is None:
            return self._form(faults={"": _("That took too long. Please sign in again.")})
        tries, now = logins.code_buckets(user.pk), clock.now()
        refuse_above(tries, hit(tries, now))
        if not take(user.pk, self.form.get("code", ""), now):
            return self._code_form(ticket, {"code": str(forms.WRONG_CODE)})
        give_back([bucket.key for bucket in tries])
        return self._signed_in(user)

    def _signed_in(self, user: User) -> HttpResponse:
        left = SessionStore(self.request.COOKIES.get(access.COOKIE))
        left.flush()
        now = clock.now()
        session = access.sign_in(user, user.staff.totp_sealed, now)
        note_login(user.pk, now)
        answer = SeeOther(self._next or reverse("desk_queue"))
        access.hand_over(answer, session)
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
        answer.delete_cookie(access.COOKIE, path=access.PATH, samesite="Lax")
        return answer


def _ticket_for(user: User) -> str:
    return signing.dumps({"user": user.pk, "proof": _proof(user)}, salt=_TICKET)


def _holder_of(ticket: str) -> User | None:
    try:
        told = signing.loads(ticket, salt=_TICKET, max_age=_TICKET_SECONDS)
    except signing.BadSignature:
        return None
    user = by_id(told["user"])
    return user if user and constant_time_compare(told["proof"], _proof(user)) else None


def _proof(user: User) -> str:
    return access.proof_of(user.password, user.staff.totp_sealed)
