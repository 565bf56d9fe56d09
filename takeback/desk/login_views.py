"""Signing in to the desk and out of it."""

from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from takeback.accounts.models import User
from takeback.accounts.sessions import SessionStore
from takeback.accounts.sign_in import attempt, attempt_staff_login, code_buckets, record_login
from takeback.accounts.staff import active_staff_user, check_staff_password
from takeback.accounts.totp import consume_code
from takeback.api.errors import retry_after
from takeback.core import clock, errors
from takeback.core.client_ip import client_address
from takeback.core.errors import Problem, Refused
from takeback.desk import auth
from takeback.desk.base import AgentView, DeskView, SeeOther, is_from_another_site
from takeback.desk.devices import device_of, remember_device
from takeback.desk.forms import WRONG_CODE, DeskForm, LoginForm, SecondFactorForm
from takeback.desk.refusals import SESSION_ENDED, too_many_attempts
from takeback.desk.unsent_form import FIELD, MAX_BYTES

_TICKET = "takeback.desk.ticket"
_TICKET_SECONDS = 300


class LoginView(DeskView):
    """User name and password, then a code if the account has a second factor.

    Between the two steps nobody is signed in: a signed ticket in the second form names the user
    whose password was right. All forms and refusals keep the page to return to and its text.
    """

    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return super().handle(request, *args, **kwargs)
        except Refused as refused:
            if refused.problem is errors.TOO_MANY_REQUESTS:
                return self._render_locked(refused)
            if refused.problem is not errors.CSRF_FAILED or is_from_another_site(request):
                raise
            return self._render_problem(refused.problem, SESSION_ENDED)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._render("login", LoginForm(), is_reset=request.GET.get("done") == "reset")

    def post(self, request: HttpRequest) -> HttpResponse:
        if "ticket" in request.POST:
            return self._check_code(request.POST["ticket"])
        form = LoginForm(request.POST)
        if not form.is_valid():
            return self._render("login", form)
        username, password = form.cleaned_data["username"], form.cleaned_data["password"]
        user = attempt_staff_login(
            username.casefold(),
            client_address(request),
            lambda: check_staff_password(username, password),
            clock.now(),
            device=device_of(request, username),
        )
        if user is None:
            form.add_error(None, _("Wrong user name or password."))
            return self._render("login", form)
        if user.staff.totp_encrypted is None:
            return self._sign_in(user)
        ticket = signing.dumps({"user": user.pk, "hash": auth.auth_hash_of(user)}, salt=_TICKET)
        return self._render("code", SecondFactorForm(), ticket=ticket)

    def _check_code(self, ticket: str) -> HttpResponse:
        user = _user_of_ticket(ticket)
        if user is None:
            message = _("The sign-in took too long. Please sign in again.")
            return self._render("login", LoginForm(), 400, message=message)
        form, now = SecondFactorForm(self.request.POST), clock.now()

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
        session = auth.sign_in(user, now, {FIELD: self._unsent} if self._unsent else {})
        record_login(user.pk, now)
        response = SeeOther(self._next_path or reverse("desk_queue"))
        auth.set_cookie(response, session)
        remember_device(response, user.username)
        return response

    @property
    def _unsent(self) -> str:
        unsent = self.request.POST.get(FIELD, "")
        return unsent if len(unsent) <= 2 * MAX_BYTES else ""

    @property
    def _next_path(self) -> str:
        """The page that the agent wanted to open, if it belongs to the desk."""
        path = self.request.POST.get("next") or self.request.GET.get("next") or ""
        is_ours = path.startswith("/desk/") and url_has_allowed_host_and_scheme(path, None)
        return path if is_ours and path.isprintable() else ""

    def _render_locked(self, refused: Refused) -> HttpResponse:
        """How long to wait, and the way to sign in before."""
        seconds = retry_after(refused)["Retry-After"]
        message = too_many_attempts(int(seconds))
        is_password = "ticket" not in self.request.POST
        page = self._render_problem(refused.problem, message, is_locked=is_password)
        page["Retry-After"] = seconds
        return page

    def _render_problem(
        self, problem: Problem, message: str | Promise, **context: Any
    ) -> HttpResponse:
        context |= {"code": problem.code, "message": message}
        return self._render("login", LoginForm(), problem.status, **context)

    def _render(
        self, template: str, form: DeskForm, status: int | None = None, **context: Any
    ) -> HttpResponse:
        status = status or (400 if form.errors else 200)
        context |= {"form": form, "next": self._next_path, "unsent": self._unsent}
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
