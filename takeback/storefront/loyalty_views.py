"""Views and documents of a customer's loyalty points: their balance and its history."""

from datetime import datetime
from decimal import Decimal
from typing import TypedDict

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.models import User
from takeback.api.openapi import Operation, PageOf
from takeback.api.order_payload.fields import currency_of
from takeback.api.paginator import ContractPagination
from takeback.core.money import show
from takeback.core.normalize import email_key
from takeback.loyalty.models import LoyaltyAccount
from takeback.loyalty.queries import (
    TransferRow,
    accounts_of,
    balance_of,
    currencies_of,
    transfer_rows,
    transfers_of,
)
from takeback.storefront import openapi
from takeback.storefront.auth import IsShopper
from takeback.storefront.base import StorefrontView

CURRENCY_HEADER = "X-Currency"
_CURRENCY = OpenApiParameter(
    CURRENCY_HEADER,
    str,
    OpenApiParameter.HEADER,
    description="The currency of the points. By default that of the customer's oldest account.",
)


class LoyaltyBalance(TypedDict):
    """The points of all accounts in one currency; a number, as the contract has it."""

    balance: Decimal


class LoyaltyTransferOrigin(TypedDict):
    """What a transfer belongs to: the number of its order, if it has one."""

    created_date: datetime
    order: str | None


class LoyaltyTransfer(TypedDict):
    """Points that came (positive) or went."""

    amount: str
    created_date: datetime
    transaction: LoyaltyTransferOrigin


def loyalty_transfer(row: TransferRow, currency: str) -> LoyaltyTransfer:
    return {
        "amount": show(row.amount_minor, currency),
        "created_date": row.at,
        "transaction": {
            "created_date": row.at,
            "order": row.order.number if row.order else None,
        },
    }


class BaseLoyaltyView(StorefrontView):
    """Finds the customer's accounts and the currency of the request."""

    permission_classes = [IsShopper]

    def accounts(self) -> "QuerySet[LoyaltyAccount]":
        """The accounts; an address that is not confirmed opens no points of a guest."""
        account = self.account
        if account.user_type != User.REGISTERED:
            return LoyaltyAccount.objects.none()
        return accounts_of(self.channel_id, account.id, email_key(account.email))

    def currency(self, accounts: "QuerySet[LoyaltyAccount]") -> str | None:
        """The currency of the request; None if there is none and no account."""
        requested = self.django_request.headers.get(CURRENCY_HEADER)
        return currency_of(requested) or next(iter(currencies_of(accounts)), None)


class LoyaltyBalanceView(BaseLoyaltyView):
    """The balance of the customer's points."""

    operations = {
        "get": Operation(
            "loyalty_balance",
            openapi.CUSTOMERS,
            response=LoyaltyBalance,
            parameters=(_CURRENCY,),
            summary="Read the balance of the customer's loyalty points.",
        )
    }

    def get(self, request: Request) -> Response:
        accounts = self.accounts()
        currency = self.currency(accounts)
        if currency is None:
            return Response(LoyaltyBalance(balance=Decimal("0.00")))
        balance = balance_of(accounts, currency)
        return Response(LoyaltyBalance(balance=Decimal(show(balance, currency))))


class LoyaltyTransfers(BaseLoyaltyView):
    """The changes of the balance, newest first."""

    operations = {
        "get": Operation(
            "loyalty_transfers",
            openapi.CUSTOMERS,
            response=PageOf(LoyaltyTransfer),
            parameters=(*openapi.PAGE, _CURRENCY),
            summary="List the changes of the customer's loyalty points.",
        )
    }

    def get(self, request: Request) -> Response:
        accounts, pages = self.accounts(), ContractPagination(request)
        currency = self.currency(accounts)
        transfers = transfers_of(accounts, currency or "")
        start = pages.requested.offset
        rows = transfer_rows.fetch(transfers[start : start + pages.requested.limit])
        pages.count = transfers.count()
        return pages.get_paginated_response([loyalty_transfer(row, currency or "") for row in rows])
