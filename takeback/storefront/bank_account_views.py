"""The page behind the mailed link: is this your bank account?"""

from typing import Any

from csp.decorators import csp_update
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from takeback.api.base_view import ApiView, django_request
from takeback.cancellations.bank_account_links import case_of, masked_account
from takeback.cancellations.commands.confirm_bank_account import confirm_bank_account
from takeback.core import clock, errors
from takeback.core.actor import Actor, ActorKind
from takeback.core.errors import Refused
from takeback.core.types import CaseId
from takeback.ui.csp import FORM_POLICY


@method_decorator(csp_update(FORM_POLICY), name="dispatch")
class BankAccountPage(ApiView):
    """Looking changes nothing, so that a mail scanner's visit does not; the button confirms, once.

    The token is the authority: there is no session to ride on, and so no CSRF token to check. A
    link that was used, is too old, was changed or never was gets one and the same answer, and so
    does the second press of the button.
    """

    @extend_schema(exclude=True)
    def get(self, call: Request, token: str) -> HttpResponse:
        """Shows which account is meant, as much of it as its owner needs to know it."""
        case = case_of(token)
        if case is None:
            return self._gone()
        context = {"number": case.order_item.order.number, "account": masked_account(case)}
        return self._page("ask", context)

    @extend_schema(exclude=True)
    def post(self, call: Request, token: str) -> HttpResponse:
        """The button."""
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
        told = {"state": state} | (context or {})
        return render(django_request(self.request), "home/bank_account.html", told, status=status)
