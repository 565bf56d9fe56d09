"""My account: the password, two-step sign-in and recovery codes of the agent."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from takeback.accounts.models import User
from takeback.accounts.recovery_codes import codes_left, replace_codes
from takeback.accounts.sign_in import attempt, password_buckets
from takeback.accounts.staff import active_staff_user
from takeback.accounts.staff_passwords import replace_password
from takeback.core import clock, errors
from takeback.core.errors import Refused
from takeback.desk.auth import keep_session
from takeback.desk.base import AgentView, SeeOther
from takeback.desk.forms import ChangePasswordForm, PasswordForm

WRONG_PASSWORD = _("This is not your current password.")


class PasswordCheckView(AgentView):
    """A page whose form needs the agent's present password."""

    def get_user(self) -> User:
        user = active_staff_user(self.agent.id)
        if user is None:
            raise Refused(errors.NOT_FOUND)
        return user

    def check_password(self, form: PasswordForm, user: User) -> bool:
        """Whether the form's password is right; wrong ones are limited and become an error."""
        if "password" not in form.cleaned_data:
            return False
        password = form.cleaned_data["password"]
        if attempt(password_buckets(user.pk), lambda: user.check_password(password), clock.now()):
            return True
        form.add_error("password", WRONG_PASSWORD)
        return False


class AccountView(PasswordCheckView):
    def get(self, request: HttpRequest) -> HttpResponse:
        context = {
            "email": self.get_user().email,
            "codes_left": codes_left(self.agent.id) if self.agent.has_totp else 0,
            "is_changed": request.GET.get("done") == "password",
        }
        return self.render_page("account", context)


class ChangePasswordView(PasswordCheckView):
    """Sets a new password; all other sessions and the login keys of the agent end."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render_page("change_password", {"form": ChangePasswordForm()})

    def post(self, request: HttpRequest) -> HttpResponse:
        form, user = ChangePasswordForm(request.POST), self.get_user()
        is_valid = form.check_for(user)
        if not (self.check_password(form, user) and is_valid):
            return self.render_page("change_password", {"form": form}, status=400)
        if not replace_password(user, form.cleaned_data["new_password"], clock.now()):
            raise Refused(errors.CONFLICT)
        keep_session(self.agent, self.get_user())
        return SeeOther(f"{reverse('desk_account')}?done=password")


class RecoveryCodesView(PasswordCheckView):
    """Makes new recovery codes, and shows them once."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._render(PasswordForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        if not self.agent.has_totp:
            raise Refused(errors.NOT_FOUND)
        form = PasswordForm(request.POST)
        if not (form.is_valid() and self.check_password(form, self.get_user())):
            return self._render(form)
        return self.render_page("recovery_codes", {"codes": replace_codes(self.agent.id)})

    def _render(self, form: PasswordForm) -> HttpResponse:
        if not self.agent.has_totp:
            raise Refused(errors.NOT_FOUND)
        context = {"form": form, "codes_left": codes_left(self.agent.id)}
        return self.render_page("recovery_codes", context, status=400 if form.errors else 200)
