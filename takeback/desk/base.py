"""What the desk's pages have in common: who may open them, and how a refusal looks."""

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
from takeback.api import errors as api_errors
from takeback.api.csrf import refuse_forged
from takeback.core import clock, errors
from takeback.core.errors import Refused
from takeback.desk.auth import Agent, agent_of
from takeback.ui.csp import FORM_POLICY

DESK_POLICY = {**FORM_POLICY, "script-src": ["'self'"], "connect-src": ["'self'"]}
FORM = "application/x-www-form-urlencoded"
SEE_OTHER = 303


class SeeOther(HttpResponseRedirect):
    """After a form: look there now."""

    status_code = SEE_OTHER


@method_decorator([csrf_exempt, csp_update(DESK_POLICY)], name="dispatch")
class Page(View):
    """A page anybody may open; every refusal is a page, too.

    Django's own CSRF check is asked before the body is read, here and not in its middleware,
    which would take in a file of any size first.
    """

    http_method_names = ["get", "head", "post"]
    agent: Agent | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with timezone.override(shop_zone()):
            try:
                answer = self.open(request, *args, **kwargs)
            except (BadRequest, SuspiciousOperation):
                answer = self.refused(Refused(errors.MALFORMED_REQUEST))
            except (Refused, OperationalError, IntegrityError) as error:
                answer = self.refused(error)
        # Not `no-referrer`: a form's post would come without an origin, and be refused.
        answer.headers["Referrer-Policy"] = "same-origin"
        return answer

    def open(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The page itself, once the caller may see it."""
        if request.method == "POST":
            _refuse_large(request)
            refuse_forged(request)
        if str(request.method).lower() not in self.allowed():
            raise Refused(errors.METHOD_NOT_ALLOWED)
        return super().dispatch(request, *args, **kwargs)

    def allowed(self) -> list[str]:
        """Methods that this page answers."""
        return [name for name in self.http_method_names if hasattr(self, name)]

    @property
    def form(self) -> dict[str, str]:
        """What was sent; of a field that comes twice the last counts."""
        return {name: str(text) for name, text in self.request.POST.items()}

    def show(self, template: str, told: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
        """A template of ours, with whoever looks at it."""
        context = {"agent": self.agent, "now_at": self.request.path, **told}
        return render(self.request, f"desk/{template}.html", context, status=status)

    def refused(self, error: Exception) -> HttpResponseBase:
        """The page of a refusal."""
        told = api_errors.exception_handler(error, {"view": self})
        assert told is not None
        page = self.show("refused", told.data, status=told.status_code)
        if "Retry-After" in told:
            page["Retry-After"] = told["Retry-After"]
        if told.status_code == errors.METHOD_NOT_ALLOWED.status:
            page["Allow"] = ", ".join(self.allowed()).upper()
        return page


class DeskPage(Page):
    """A page for staff; `scopes` says what a method needs beyond a session."""

    scopes: ClassVar[Mapping[str, str]] = {"GET": ApiKey.READ, "HEAD": ApiKey.READ}
    agent: Agent

    def open(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        found = agent_of(request, clock.now())
        if found is None:
            return _to_login(request)
        self.agent = found
        scope = self.scopes.get(str(request.method), ApiKey.READ)
        if scope not in found.scopes:
            raise Refused(errors.PERMISSION_DENIED)
        return super().open(request, *args, **kwargs)


class DeskNotFound(DeskPage):
    """No page of the desk has this address."""

    def open(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.agent = agent_of(request, clock.now())  # type: ignore[assignment]  # the page does without
        raise Refused(errors.NOT_FOUND)


def _refuse_large(request: HttpRequest) -> None:
    if request.content_type != FORM:
        raise Refused(errors.UNSUPPORTED_MEDIA_TYPE)
    told = str(request.META.get("CONTENT_LENGTH") or "0")
    if int(told if told.isdecimal() else 0) > settings.MAX_BODY_BYTES:
        raise Refused(errors.PAYLOAD_TOO_LARGE)


def _to_login(request: HttpRequest) -> HttpResponse:
    """Signed out in the middle of something: come back to the page, not to the step."""
    back = request.get_full_path() if request.method in ("GET", "HEAD") else ""
    query = f"?{urlencode({'next': back})}" if back not in ("", reverse("desk_queue")) else ""
    return SeeOther(f"{reverse('desk_login')}{query}")
