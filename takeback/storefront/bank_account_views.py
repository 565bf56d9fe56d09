"""The page of the mailed link that confirms a bank account."""

from typing import Any, ClassVar

from csp.decorators import csp_update
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from rest_framework.request import Request

from takeback.api.base_view import ApiView
from takeback.api.openapi import Operation
from takeback.cancellations.bank_account_links import case_of, masked_account
from takeback.cancellations.commands.confirm_bank_account import confirm_bank_account
from takeback.core import clock, errors
from takeback.core.actor import Actor, ActorKind
from takeback.core.errors import Refused
from takeback.core.ids import CaseId
from takeback.ui.csp import FORM_POLICY


@method_decorator(csp_update(FORM_POLICY), name="dispatch")
class BankAccountPage(ApiView):
    """GET shows the masked account and changes nothing, since mail scanners follow links; POST
    confirms the account.

    The token authorizes the request: without a session there is nothing to forge, so no CSRF token
    is checked. A used, expired, altered or unknown link gets the same page as a second POST.
    """

    operations: ClassVar[dict[str, Operation]] = {}

    def get(self, request: Request, token: str) -> HttpResponse:
        case = case_of(token)
        if case is None:
            return self._gone()
        context = {"number": case.order_item.order.number, "account": masked_account(case)}
        return self._page("confirm", context)

    def post(self, request: Request, token: str) -> HttpResponse:
        case = case_of(token)
        if case is None:
            return self._gone()
        try:
            confirm_bank_account(
                CaseId(case.pk),
                actor=Actor(ActorKind.GUEST, case.order_item.order_id),
                now=clock.now(),
                account=case.iban_index,
            )
        except Refused as refused:
            if refused.problem is not errors.NOT_FOUND:
                raise
            return self._gone()
        return self._page("done")

    def _gone(self) -> HttpResponse:
        return self._page("gone", status=404)

    def _page(
        self, state: str, context: dict[str, Any] | None = None, status: int = 200
    ) -> HttpResponse:
        context = {"state": state} | (context or {})
        return render(self.django_request, "storefront/bank_account.html", context, status=status)
