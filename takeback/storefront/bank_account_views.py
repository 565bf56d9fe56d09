"""The page of the mailed link that confirms a bank account."""

from datetime import datetime
from typing import Any, ClassVar

from csp.decorators import csp_update
from django import forms
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from rest_framework.request import Request

from takeback.accounts.channels import shop_brand
from takeback.api.base_view import ApiView
from takeback.api.openapi import Operation
from takeback.bank_accounts.bank_account import bank_account_of, has_iban_end
from takeback.cancellations.bank_account_links import (
    LINK_TRIES,
    case_of,
    cases_of,
    link_bucket,
    masked_account,
)
from takeback.cancellations.commands.confirm_bank_account import confirm_bank_account
from takeback.cancellations.models import CancellationRequest
from takeback.core import clock, errors
from takeback.core.actor import Actor, ActorKind
from takeback.core.errors import Refused
from takeback.core.ids import CaseId
from takeback.limits.commands import decrement, hits_of, increment
from takeback.ui.csp import FORM_POLICY

_TEMPLATE = "storefront/bank_account.html"


class LastFourForm(forms.Form):
    """The characters that neither the mail nor the page contains."""

    last_four = forms.CharField(
        max_length=32,
        label=_("Last four characters of the account number (IBAN)"),
        error_messages={"required": _("Enter the last four characters of your IBAN.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "ltr"}),
    )


@method_decorator(csp_update(FORM_POLICY), name="dispatch")
class BankAccountPage(ApiView):
    """GET shows the start of the account and changes nothing; POST confirms the account.

    Mail scanners follow links and some press buttons: only the last four characters of the account
    confirm it. The token authorizes the request: without a session there is nothing to forge, so
    no CSRF token is checked. A used link shows that the account is confirmed; an expired, altered,
    unknown or superseded link gets the same page as one whose tries are used up.
    """

    operations: ClassVar[dict[str, Operation]] = {}
    is_page = True

    def get(self, request: Request, token: str) -> HttpResponse:
        case = case_of(token)
        if case is None:
            return self._without_case(token)
        if hits_of(link_bucket(token, case.channel_id), clock.now()) >= LINK_TRIES:
            return self._page("gone", status=404)
        return self._question(case, LastFourForm())

    def post(self, request: Request, token: str) -> HttpResponse:
        case, now = case_of(token), clock.now()
        if case is None:
            return self._without_case(token)
        form = LastFourForm(self.django_request.POST)
        if not form.is_valid():
            return self._question(case, form, status=400)
        bucket = link_bucket(token, case.channel_id)
        # Counted before the comparison: concurrent guesses cannot exceed the tries.
        hits = increment([bucket], now)[bucket.key].hits
        account = bank_account_of(case)
        if hits > LINK_TRIES or account is None:
            return self._page("gone", status=404)
        if not has_iban_end(account.iban, form.cleaned_data["last_four"]):
            return self._wrong_entry(case, form, LINK_TRIES - hits)
        decrement([bucket.key])
        return self._confirm(case, now)

    def _confirm(self, case: CancellationRequest, now: datetime) -> HttpResponse:
        try:
            confirm_bank_account(
                CaseId(case.pk),
                actor=Actor(ActorKind.GUEST, case.order_item.order_id),
                now=now,
                account=case.iban_index,
            )
        except Refused as refused:
            if refused.problem is not errors.NOT_FOUND:
                raise
            return self._page("gone", status=404)
        # The browser loads the page again: reloading it then posts nothing.
        response = HttpResponseRedirect(self.django_request.path)
        response.status_code = 303
        return response

    def _wrong_entry(
        self, case: CancellationRequest, form: LastFourForm, tries_left: int
    ) -> HttpResponse:
        if not tries_left:
            return self._page("locked", case, status=403)
        text = ngettext(
            "These are not the last four characters. You have %(tries)d try left.",
            "These are not the last four characters. You have %(tries)d tries left.",
            tries_left,
        )
        form.add_error("last_four", text % {"tries": tries_left})
        return self._question(case, form, status=400)

    def _without_case(self, token: str) -> HttpResponse:
        confirmed = [case for case in cases_of(token) if case.is_bank_account_confirmed]
        if confirmed:
            return self._page("done", confirmed[0])
        return self._page("gone", status=404)

    def _question(
        self, case: CancellationRequest, form: LastFourForm, status: int = 200
    ) -> HttpResponse:
        return self._page("confirm", case, form=form, status=status)

    def _page(
        self,
        state: str,
        case: CancellationRequest | None = None,
        *,
        form: LastFourForm | None = None,
        status: int = 200,
    ) -> HttpResponse:
        context: dict[str, Any] = {"state": state, "form": form}
        if case:
            context |= {
                "number": case.order_item.order.number,
                "account": masked_account(case),
                "brand": shop_brand(case.channel_id),
            }
        return render(self.django_request, _TEMPLATE, context, status=status)
