"""A new password for staff who cannot sign in: a mailed link, and the page that it opens."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import get_language

from takeback.accounts.staff_passwords import request_reset, reset_password, user_of_reset_token
from takeback.core import clock
from takeback.core.client_ip import client_address, client_network
from takeback.desk.base import DeskView, SeeOther
from takeback.desk.devices import remember_device
from takeback.desk.forms import NewPasswordForm, ResetRequestForm


class PasswordResetView(DeskView):
    """Asks for the user name or the e-mail address; the answer is the same for all of them."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render_page("password_reset", {"form": ResetRequestForm()})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ResetRequestForm(request.POST)
        if not form.is_valid():
            return self.render_page("password_reset", {"form": form}, status=400)
        request_reset(
            form.cleaned_data["name"],
            client_network(client_address(request)),
            language=get_language() or "",
            now=clock.now(),
        )
        return self.render_page("password_reset_sent", {})


class NewPasswordView(DeskView):
    """The page of a mailed link. Opening it changes nothing: mail scanners open links, too."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        if user_of_reset_token(token) is None:
            return self._render_invalid()
        return self.render_page("new_password", {"form": NewPasswordForm()})

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        form, user = NewPasswordForm(request.POST), user_of_reset_token(token)
        if user is None:
            return self._render_invalid()
        if not form.check_for(user):
            return self.render_page("new_password", {"form": form}, status=400)
        network = client_network(client_address(request))
        password = form.cleaned_data["new_password"]
        if reset_password(token, password, clock.now(), network=network) is None:
            return self._render_invalid()
        response = SeeOther(f"{reverse('desk_login')}?done=reset")
        remember_device(response, user.username)
        return response

    def _render_invalid(self) -> HttpResponse:
        return self.render_page("new_password", {"is_invalid": True}, status=404)
