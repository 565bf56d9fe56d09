"""Signing in to the desk and out of it."""

from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from takeback.accounts.models import User
from takeback.accounts.sessions import SessionStore
from takeback.accounts.sign_in import attempt, code_buckets, login_buckets, record_login
from takeback.accounts.staff import active_staff_user, check_staff_password
from takeback.accounts.totp import consume_code
from takeback.core import clock
from takeback.core.client_ip import client_address
from takeback.desk import auth
from takeback.desk.base import AgentView, DeskView, SeeOther
from takeback.desk.forms import WRONG_CODE, CodeForm, DeskForm, LoginForm

_TICKET = "takeback.desk.ticket"
_TICKET_SECONDS = 300


class LoginView(DeskView):
    """User name and password, then a code if the account has a second factor.

    Between the two steps nobody is signed in: a signed ticket in the second form names the user
    whose password was right.
    """

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._render("login", LoginForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        if "ticket" in request.POST:
            return self._check_code(request.POST["ticket"])
        form = LoginForm(request.POST)
        if not form.is_valid():
            return self._render("login", form)
        username, password = form.cleaned_data["username"], form.cleaned_data["password"]
        buckets = login_buckets("login-staff", username.casefold(), client_address(request))
        user = attempt(buckets, lambda: check_staff_password(username, password), clock.now())
        if user is None:
            form.add_error(None, _("Wrong user name or password."))
            return self._render("login", form)
        if user.staff.totp_encrypted is None:
            return self._sign_in(user)
        ticket = signing.dumps({"user": user.pk, "hash": auth.auth_hash_of(user)}, salt=_TICKET)
        return self._render("code", CodeForm(), ticket=ticket)

    def _check_code(self, ticket: str) -> HttpResponse:
        user = _user_of_ticket(ticket)
        if user is None:
            message = _("The sign-in took too long. Please sign in again.")
            return self._render("login", LoginForm(), message=message)
        form, now = CodeForm(self.request.POST), clock.now()

        def check_code() -> bool:
            return form.is_valid() and consume_code(user.pk, form.cleaned_data["code"], now)

        if attempt(code_buckets(user.pk), check_code, now):
            return self._sign_in(user)
        if form.is_valid():
            form.add_error("code", WRONG_CODE)
        return self._render("code", form, ticket=ticket)

    def _sign_in(self, user: User) -> HttpResponse:
        SessionStore(self.request.COOKIES.get(auth.COOKIE)).flush()
        now = clock.now()
        session = auth.sign_in(user, now)
        record_login(user.pk, now)
        response = SeeOther(self._next_path or reverse("desk_queue"))
        auth.set_cookie(response, session)
        return response

    @property
    def _next_path(self) -> str:
        """The page that the agent wanted to open, if it belongs to the desk."""
        path = self.request.POST.get("next") or self.request.GET.get("next") or ""
        is_ours = path.startswith("/desk/") and url_has_allowed_host_and_scheme(path, None)
        return path if is_ours and path.isprintable() else ""

    def _render(self, template: str, form: DeskForm, **context: Any) -> HttpResponse:
        status = 400 if form.errors or "message" in context else 200
        context |= {"form": form, "next": self._next_path}
        return self.render_page(template, context, status=status)


class LogoutView(AgentView):
    def post(self, request: HttpRequest) -> HttpResponse:
        self.agent.session.flush()
        response = SeeOther(reverse("desk_login"))
        response.delete_cookie(auth.COOKIE, path=auth.COOKIE_PATH, samesite="Lax")
        return response


def _user_of_ticket(ticket: str) -> User | None:
    """The ticket's user, while the ticket is fresh and the password unchanged."""
    try:
        data = signing.loads(ticket, salt=_TICKET, max_age=_TICKET_SECONDS)
    except signing.BadSignature:
        return None
    user = active_staff_user(data["user"])
    return user if user and constant_time_compare(data["hash"], auth.auth_hash_of(user)) else None
