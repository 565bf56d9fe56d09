"""Settings at the desk: the accounts at payment providers.

Agents with the scope money see them and pause them; changing one also needs the scope admin.
"""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse

from takeback.accounts.models import ApiKey
from takeback.core import clock, errors
from takeback.core.errors import Problem, Refused
from takeback.core.ids import id_from_path
from takeback.core.money import show
from takeback.desk import refund_queries
from takeback.desk.money_commands import (
    add_payment_account,
    change_payment_account,
    pause_payment_account,
    resume_payment_account,
)
from takeback.desk.payment_account_forms import ChangedAccountForm, PauseForm, PaymentAccountForm
from takeback.desk.refund_labels import PAUSES, PROVIDERS
from takeback.desk.settings_forms import SettingsForm
from takeback.desk.settings_views import ChannelSettingsView
from takeback.refunds.models import PaymentAccount, Refund

PAUSE, RESUME = "pause", "resume"
# Fields of refusals that have another name in the form.
_FIELDS = {"credentials": "secrets"}


class PaymentAccountsView(ChannelSettingsView):
    """A page about payment accounts."""

    scopes = {"GET": ApiKey.MONEY, "HEAD": ApiKey.MONEY, "POST": ApiKey.MONEY}
    section = "payment_accounts"

    def require_admin(self) -> None:
        if not self.agent.is_admin:
            raise Refused(errors.PERMISSION_DENIED)

    def render_refused(self, form: SettingsForm, problem: Problem, **context: Any) -> HttpResponse:
        """The form with a refusal, at its field if it names one of the form."""
        field = _FIELDS.get(problem.field or "", problem.field)
        if field not in form.fields:
            return self.render_form(form, problem, **context)
        form.add_error(field, str(problem.message))
        return self.render_form(form, **context)


class PaymentAccountListView(PaymentAccountsView):
    """The payment accounts of the channel, also inactive ones."""

    page = "settings_payment_accounts"

    def get(self, request: HttpRequest, channel_id: str) -> HttpResponse:
        accounts = [
            (row, PROVIDERS.get(row.provider, row.provider))
            for row in refund_queries.account_rows([self.channel_id])
        ]
        return self.render_settings({"accounts": accounts})


class NewPaymentAccountView(PaymentAccountsView):
    """Adds a payment account of this channel."""

    page = "settings_payment_account"

    def get(self, request: HttpRequest, channel_id: str) -> HttpResponse:
        self.require_admin()
        return self.render_form(PaymentAccountForm())

    def post(self, request: HttpRequest, channel_id: str) -> HttpResponse:
        self.require_admin()
        form, channel = PaymentAccountForm(request.POST), self.channel_id
        if not form.is_valid():
            return self.render_form(form)
        try:
            add_payment_account(channel, form.new_account, now=clock.now())
        except Refused as refused:
            return self.render_refused(form, refused.problem)
        return self.saved("payment_accounts")


class PaymentAccountView(PaymentAccountsView):
    """One payment account: its data without credentials, and whether sending is paused."""

    page = "settings_payment_account"

    def get(self, request: HttpRequest, channel_id: str, pk: str) -> HttpResponse:
        account = self._account()
        return self._render(account, self._form(account))

    def post(self, request: HttpRequest, channel_id: str, pk: str) -> HttpResponse:
        account = self._account()
        action = request.POST.get("action", "")
        if action in (PAUSE, RESUME):
            return self._set_pause(account, action)
        self.require_admin()
        form = self._form(account, request.POST)
        if not form.is_valid():
            return self._render(account, form)
        try:
            change_payment_account(self.channel_id, account.pk, form.change, now=clock.now())
        except Refused as refused:
            return self.render_refused(form, refused.problem, **self._context(account))
        return self.saved("payment_accounts")

    def _set_pause(self, account: PaymentAccount, action: str) -> HttpResponse:
        """Pause sending with a reason, or resume it."""
        channel, now, form = self.channel_id, clock.now(), PauseForm(self.request.POST)
        if action == RESUME:
            self.require_admin()
        if action == PAUSE and not form.is_valid():
            shown = {"form": self._form(account), "message": form.errors["reason"][0]}
            context = {**self._context(account), **shown, "pause_form": form}
            return self.render_settings(context, status=HTTPStatus.BAD_REQUEST)
        try:
            if action == PAUSE:
                reason = form.cleaned_data["reason"]
                pause_payment_account(channel, account.pk, reason, now=now)
            else:
                resume_payment_account(channel, account.pk, now=now)
        except Refused as refused:
            return self.render_form(self._form(account), refused.problem, **self._context(account))
        return self.saved("payment_account", account.pk)

    def _render(self, account: PaymentAccount, form: ChangedAccountForm) -> HttpResponse:
        return self.render_form(form, **self._context(account))

    def _context(self, account: PaymentAccount) -> dict[str, Any]:
        return {
            "account": account,
            "provider": PROVIDERS.get(account.provider, account.provider),
            "pause_reason": PAUSES.get(account.paused_because, account.paused_because),
            "has_credentials": bool(account.credentials_encrypted),
            "pause_form": PauseForm(),
        }

    def _account(self) -> PaymentAccount:
        pk, channel_id = id_from_path(self.kwargs["pk"]), self.channel_id
        account = PaymentAccount.objects.filter(channel_id=channel_id, pk=pk).first()
        if account is None:
            raise Refused(errors.NOT_FOUND)
        return account

    def _form(self, account: PaymentAccount, data: Any = None) -> ChangedAccountForm:
        initial = {
            "code": account.code,
            "provider": account.provider,
            "provider_account": account.provider_account,
            "currency": account.currency,
            "is_test": account.is_test,
            "payment_kinds": ", ".join(account.payment_kinds),
            "base_url": account.base_url,
            "limit_each": _shown_limit(account.limit_each_minor, account.currency),
            "limit_day": _shown_limit(account.limit_day_minor, account.currency),
            "is_active": account.is_active,
        }
        has_refunds = Refund.objects.filter(account=account).exists()
        return ChangedAccountForm(data, initial, has_refunds=has_refunds)


def _shown_limit(minor: int | None, currency: str) -> str:
    return "" if minor is None else show(minor, currency)
