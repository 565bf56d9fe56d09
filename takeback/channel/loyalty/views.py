"""Loyalty accounts that a channel opens and changes, and the transactions of all its accounts."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.customers import registered_customer
from takeback.accounts.models import ApiKey, User
from takeback.accounts.queries import customers_of
from takeback.api.openapi import Operation, PageOf
from takeback.api.order_payload.fields import currency_of
from takeback.channel.auth import path_id
from takeback.channel.base import (
    ChannelListView,
    ChannelView,
    etag,
    expected_version,
    row_or_404,
    validated,
)
from takeback.channel.loyalty import documents, queries
from takeback.channel.loyalty.documents import ChannelLoyaltyAccount, ChannelLoyaltyTransaction
from takeback.channel.loyalty.serializers import (
    ACCOUNT_FILTERS,
    TRANSACTION_FILTERS,
    AccountChange,
    AccountChangeByNumber,
    AccountEntry,
)
from takeback.channel.openapi import CUSTOMERS
from takeback.core import clock
from takeback.core.normalize import email_key
from takeback.loyalty import errors
from takeback.loyalty.commands.accounts import NewAccount, change_account, open_account
from takeback.orders.versions import version_of


class BaseAccountView(ChannelView):
    """Responds with an account; changes move money, so that they need the scope `money`."""

    scopes = {
        **dict.fromkeys(("GET", "HEAD"), ApiKey.READ),
        **dict.fromkeys(("POST", "PATCH"), ApiKey.MONEY),
    }

    def respond(self, account_id: int, status: int = 200) -> Response:
        row = row_or_404(queries.account_by_id(self.client.channel_id, account_id))
        version = etag(version_of(row.modified_date))
        return Response(documents.account(row), status=status, headers=version)

    def change(self, account_id: int) -> Response:
        """Apply the body to an account."""
        channel_id = self.client.channel_id
        row = row_or_404(queries.account_by_id(channel_id, account_id))
        data = validated(AccountChange, self.body, context={"currency": row.currency})
        _refuse_fixed(row, data)
        change_account(
            channel_id,
            account_id,
            balance_minor=data.get("balance"),
            debit_allowed=data.get("debit_allowed"),
            version=expected_version(self.django_request),
            now=clock.now(),
        )
        return self.respond(account_id)


class AccountList(ChannelListView, BaseAccountView):
    """The channel's accounts, newest first; POST opens one, PATCH changes the one it names."""

    filters = ACCOUNT_FILTERS
    rows = queries.account_rows
    operations = {
        "get": Operation(
            "channel_loyalty_accounts",
            CUSTOMERS,
            PageOf(ChannelLoyaltyAccount),
            summary="List loyalty accounts.",
        ),
        "post": Operation(
            "channel_loyalty_account_open",
            CUSTOMERS,
            ChannelLoyaltyAccount,
            request=AccountEntry,
            status=201,
            is_idempotent=True,
            summary="Open a loyalty account.",
        ),
        "patch": Operation(
            "channel_loyalty_account_change_by_number",
            CUSTOMERS,
            ChannelLoyaltyAccount,
            request=AccountChangeByNumber,
            has_version=True,
            summary="Change the loyalty account with this number.",
        ),
    }

    def queryset(self) -> "QuerySet[Any, Any]":
        return queries.accounts_in_channel(self.client.channel_id)

    def to_documents(self, rows: list[Any]) -> list[Any]:
        return [documents.account(row) for row in rows]

    def post(self, request: Request, channel_id: str) -> HttpResponse:
        return self.idempotent(self._open, body=self.body)

    def patch(self, request: Request, channel_id: str) -> Response:
        # Only the number counts here: the currency of the amounts is that of its account.
        named = {"number": self.body["number"]} if "number" in self.body else {}
        number = validated(AccountChangeByNumber, named)["number"]
        return self.change(row_or_404(queries.account_id_of(self.client.channel_id, number)))

    def _open(self) -> Response:
        channel_id = self.client.channel_id
        context = {"currency": currency_of(self.body.get("currency"))}
        data = validated(AccountEntry, self.body, context=context)
        owner = _owner(channel_id, data)
        email = data.get("user_email") or (owner.email if owner else None)
        if not email:
            raise ValidationError({"user_email": [errors.EMAIL_REQUIRED]})
        new = NewAccount(
            user_email=email,
            currency=data["currency"],
            balance_minor=data.get("balance", 0),
            debit_allowed=data.get("debit_allowed", False),
            number=data.get("number"),
            user_id=owner.pk if owner else None,
        )
        return self.respond(open_account(channel_id, new, now=clock.now()), status=201)


class AccountView(BaseAccountView):
    """One account."""

    operations = {
        "get": Operation(
            "channel_loyalty_account",
            CUSTOMERS,
            ChannelLoyaltyAccount,
            has_version=True,
            summary="Read a loyalty account.",
        ),
        "patch": Operation(
            "channel_loyalty_account_change",
            CUSTOMERS,
            ChannelLoyaltyAccount,
            request=AccountChange,
            has_version=True,
            summary="Change a loyalty account.",
        ),
    }

    def get(self, request: Request, channel_id: str, pk: str) -> Response:
        return self.respond(path_id(pk))

    def patch(self, request: Request, channel_id: str, pk: str) -> Response:
        return self.change(path_id(pk))


class BaseTransactionView(ChannelView):
    """Builds the documents of transactions in all channels of the key."""

    def transactions(self, rows: list[queries.EntryRow]) -> list[ChannelLoyaltyTransaction]:
        owners = queries.customers_of_entries(rows)
        show_secrets = self.client.can_see_secrets
        return [
            documents.transaction(row, owners.get(row.customer_id or 0), show_secrets=show_secrets)
            for row in rows
        ]


class TransactionList(ChannelListView, BaseTransactionView):
    """The transactions of the accounts in all channels of the key, newest first."""

    filters = TRANSACTION_FILTERS
    rows = queries.entry_rows
    operations = {
        "get": Operation(
            "channel_loyalty_transactions",
            CUSTOMERS,
            PageOf(ChannelLoyaltyTransaction),
            summary="List loyalty transactions.",
        )
    }

    def queryset(self) -> "QuerySet[Any, Any]":
        return queries.entries_in_channels(self.client.channel_ids)

    def to_documents(self, rows: list[Any]) -> list[Any]:
        return self.transactions(rows)


class TransactionView(BaseTransactionView):
    """One transaction."""

    operations = {
        "get": Operation(
            "channel_loyalty_transaction",
            CUSTOMERS,
            ChannelLoyaltyTransaction,
            summary="Read a loyalty transaction.",
        )
    }

    def get(self, request: Request, pk: str) -> Response:
        entries = queries.entries_in_channels(self.client.channel_ids).filter(pk=path_id(pk))
        row = row_or_404(queries.entry_rows.first(entries))
        return Response(self.transactions([row])[0])


def _owner(channel_id: int, data: dict[str, Any]) -> User | None:
    """The registered customer whom the body names by id or address."""
    if user_id := data.get("user"):
        registered = customers_of(channel_id).filter(user_type=User.REGISTERED)
        owner = registered.filter(pk=user_id).first()
        if owner is None:
            raise ValidationError({"user": [errors.UNKNOWN_CUSTOMER]})
        return owner
    email = data.get("user_email")
    return registered_customer(channel_id, email_key(email)) if email else None


def _refuse_fixed(row: queries.AccountRow, data: dict[str, Any]) -> None:
    """Refuse values that differ from those that cannot change."""
    stored = {
        "number": row.number,
        "user_email": row.user_email,
        "user": row.user_id,
        "currency": row.currency,
    }
    problems = {
        name: [errors.FIXED]
        for name, value in stored.items()
        if name in data and data[name] != value
    }
    if problems:
        raise ValidationError(problems)
