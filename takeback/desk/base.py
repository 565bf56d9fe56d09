"""Base views of the desk: access, forged requests, and refusals as pages."""

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

from csp.decorators import csp_update
from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import IntegrityError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
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
from takeback.ui.csp import FORM_POLICY

DESK_POLICY = {**FORM_POLICY, "script-src": ["'self'"], "connect-src": ["'self'"]}
FORM = "application/x-www-form-urlencoded"


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
            except (Refused, OperationalError, IntegrityError) as error:
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
        context = {"agent": self.agent, "now_at": self.request.path, **context}
        return render(self.request, f"desk/{template}.html", context, status=status)

    def render_refusal(self, error: Exception) -> HttpResponseBase:
        refusal = exception_handler(error, {"view": self})
        assert refusal is not None
        page = self.render_page("refused", refusal.data, status=refusal.status_code)
        if "Retry-After" in refusal:
            page["Retry-After"] = refusal["Retry-After"]
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
            return _redirect_to_login(request)
        self.agent = agent
        if self.scopes.get(str(request.method), ApiKey.READ) not in agent.scopes:
            raise Refused(errors.PERMISSION_DENIED)
        return super().handle(request, *args, **kwargs)


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


def _redirect_to_login(request: HttpRequest) -> HttpResponse:
    """After signing in, the agent returns to the page; a form's address is no page to return to."""
    target = request.get_full_path() if request.method in ("GET", "HEAD") else ""
    query = f"?{urlencode({'next': target})}" if target not in ("", reverse("desk_queue")) else ""
    return SeeOther(f"{reverse('desk_login')}{query}")
