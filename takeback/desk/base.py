"""Base views of the desk: access, forged requests, and refusals as pages."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from csp.decorators import csp_update
from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from takeback.accounts.models import ApiKey
from takeback.accounts.policy import shop_zone
from takeback.api.csrf import refuse_forged
from takeback.api.errors import exception_handler
from takeback.core import clock, errors
from takeback.core.errors import Refused
from takeback.desk.auth import Agent, get_agent
from takeback.desk.filters import PERSONAL
from takeback.desk.forms import LoginForm
from takeback.desk.refund_queries import count_waiting_refunds
from takeback.desk.refusals import SESSION_ENDED, SESSION_ENDED_WITH_TEXT, refusal_sentence
from takeback.desk.unsent_form import FIELD, decrypt_form, encrypt_form
from takeback.ui.csp import FORM_POLICY

DESK_POLICY = {**FORM_POLICY, "script-src": ["'self'"], "connect-src": ["'self'"]}
FORM = "application/x-www-form-urlencoded"
_OWN_SITE = {"same-origin", "none"}


class SeeOther(HttpResponseRedirect):
    """The redirect after a form has been processed."""

    status_code = 303


@method_decorator([csrf_exempt, csp_update(DESK_POLICY)], name="dispatch")
class DeskView(View):
    """A page that anyone may open; every refusal is a page too.

    The CSRF check runs here, before the body is read: Django's middleware would first read a body
    of any size.
    """

    http_method_names = ["get", "head", "post"]
    agent: Agent | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with timezone.override(shop_zone()):
            try:
                response = self.handle(request, *args, **kwargs)
            except (BadRequest, SuspiciousOperation):
                response = self.render_refusal(Refused(errors.MALFORMED_REQUEST))
            except (Refused, Error) as error:
                response = self.render_refusal(error)
        # With `no-referrer` browsers send forms without an Origin, which the CSRF check refuses.
        response.headers["Referrer-Policy"] = "same-origin"
        return response

    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST":
            self.check_form(request)
        if str(request.method).lower() not in self.allowed_methods:
            raise Refused(errors.METHOD_NOT_ALLOWED)
        return super().dispatch(request, *args, **kwargs)

    def check_form(self, request: HttpRequest) -> None:
        """Refuse a form that is too large or forged."""
        _ensure_small_form(request)
        refuse_forged(request)

    @property
    def allowed_methods(self) -> list[str]:
        return [name for name in self.http_method_names if hasattr(self, name)]

    def render_page(
        self, template: str, context: Mapping[str, Any], *, status: int = 200
    ) -> HttpResponse:
        context = {
            "agent": self.agent,
            "now_at": self.request.path,
            "time_zone": shop_zone().key,
            "has_error": status >= HTTPStatus.BAD_REQUEST,
            "waiting_refunds": self._count_waiting_refunds,
            **context,
        }
        return render(self.request, f"desk/{template}.html", context, status=status)

    def _count_waiting_refunds(self) -> int:
        """The number next to a link of the navigation, which only pages of agents show."""
        return count_waiting_refunds(self.agent.channels) if self.agent else 0

    def render_refusal(self, error: Exception) -> HttpResponseBase:
        """The page of a refusal or an outage; an internal error is raised again."""
        refusal = exception_handler(error, {"view": self})
        if refusal is None:
            raise error
        wait = refusal.get("Retry-After")
        code = refusal.data["code"]
        sentence = refusal_sentence(code, refusal.data["detail"], wait)
        context: dict[str, Any] = {"sentence": sentence, "code": code}
        if isinstance(error, Error):
            context["waiting_refunds"] = 0
        page = self.render_page("refused", context, status=refusal.status_code)
        if wait:
            page["Retry-After"] = wait
        if refusal.status_code == errors.METHOD_NOT_ALLOWED.status:
            page["Allow"] = ", ".join(self.allowed_methods).upper()
        return page


class AgentView(DeskView):
    """A page for signed-in agents; `scopes` names the scope that each method needs."""

    scopes: ClassVar[Mapping[str, str]] = {"GET": ApiKey.READ, "HEAD": ApiKey.READ}
    agent: Agent

    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        agent = get_agent(request, clock.now())
        if agent is None:
            return self.request_sign_in()
        self.agent = agent
        if self.scopes.get(str(request.method), ApiKey.READ) not in agent.scopes:
            raise Refused(errors.PERMISSION_DENIED)
        try:
            return super().handle(request, *args, **kwargs)
        except Refused as refused:
            if refused.problem is not errors.CSRF_FAILED:
                raise
            return self.request_sign_in()

    def request_sign_in(self) -> HttpResponse:
        """The way to the sign-in page, and back to this page.

        A form changes nothing: its text is kept and fills the page's form in after signing in.
        """
        request = self.request
        if request.method in ("GET", "HEAD"):
            # An address of earlier versions may contain personal data: it is not repeated.
            has_personal = not request.GET.keys().isdisjoint(PERSONAL)
            page = request.path if has_personal else request.get_full_path()
            query = urlencode({"next": page})
            return SeeOther(f"{reverse('desk_login')}?{query}")
        _ensure_small_form(request)
        if is_from_another_site(request):
            raise Refused(errors.CSRF_FAILED)
        path = self.page_path
        unsent = encrypt_form(request.POST, path)
        query_string = request.META.get("QUERY_STRING")
        context = {
            "agent": None,
            "code": errors.CSRF_FAILED.code,
            "form": LoginForm(),
            "message": SESSION_ENDED_WITH_TEXT if unsent else SESSION_ENDED,
            "next": f"{path}?{query_string}" if query_string else path,
            "unsent": unsent,
        }
        return self.render_page("login", context, status=errors.CSRF_FAILED.status)

    @property
    def page_path(self) -> str:
        """The page of the form; the path of a view without a page is `<page>/<verb>`."""
        path = self.request.path
        return path if "get" in self.allowed_methods else path.rpartition("/")[0]

    def take_unsent_values(self) -> QueryDict:
        """What the agent typed into the form of this page before the session ended; only once."""
        session = self.agent.session
        values = decrypt_form(session.get(FIELD, ""), self.request.path)
        if values:
            del session[FIELD]
            session.save()
        return values


class UnknownPageView(DeskView):
    """Every other address of the desk."""

    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.agent = get_agent(request, clock.now())
        raise Refused(errors.NOT_FOUND)


def _ensure_small_form(request: HttpRequest) -> None:
    if request.content_type != FORM:
        raise Refused(errors.UNSUPPORTED_MEDIA_TYPE)
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if int(length if length.isdecimal() else 0) > settings.MAX_BODY_BYTES:
        raise Refused(errors.PAYLOAD_TOO_LARGE)


def is_from_another_site(request: HttpRequest) -> bool:
    """Whether the browser says that another site sent the form; browsers always say so."""
    origin = request.headers.get("Origin")
    is_foreign = origin is not None and urlsplit(origin).netloc != request.get_host()
    return is_foreign or request.headers.get("Sec-Fetch-Site", "none") not in _OWN_SITE
