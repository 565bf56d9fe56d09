"""Loyalty accounts and transactions in the channel API."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
import zeal

from takeback.channel.loyalty import documents
from takeback.loyalty.commands.accounts import NewAccount, open_account
from takeback.loyalty.commands.credit import credit_refund
from takeback.loyalty.models import LoyaltyAccount, LoyaltyEntry
from tests import factories
from tests.channel import shop
from tests.loyalty.points import create_payment

pytestmark = [pytest.mark.django_db, pytest.mark.allow_repeated_queries("several credits")]

ACCOUNTS = "/api/v1/remote/1/loyalty_account/"
TRANSACTIONS = "/api/v1/loyalty_transactions/"
NUMBER = "e74496da-c3e7-4a91-b382-514f638d2141"
# The example of the documentation, without its id of a customer.
JOHN = {
    "number": NUMBER,
    "user_email": "john.doe@akinon.com",
    "balance": "100.00",
    "debit_allowed": True,
    "currency": "eur",
}


@pytest.fixture
def caller() -> Any:
    """A system that may move money."""
    return shop.client(shop.key(scopes=("read", "money")))


def _send(caller: Any, method: str, path: str, body: Any, **headers: str) -> Any:
    with zeal.zeal_context():
        return caller.generic(
            method, path, msgspec.json.encode(body), "application/json", headers=headers
        )


def _open(caller: Any, **fields: Any) -> Any:
    return _send(caller, "POST", ACCOUNTS, JOHN | fields)


def _amounts() -> list[tuple[str, int]]:
    entries = LoyaltyEntry.objects.order_by("pk")
    return list(entries.values_list("transaction_type", "amount_minor"))


def test_an_account_is_opened_as_documented(caller: Any) -> None:
    response = _open(caller)
    assert response.status_code == 201
    document = response.json()
    assert list(document) == list(documents.ChannelLoyaltyAccount.__annotations__)
    assert document | JOHN == document
    assert (document["user"], document["pk"]) == (None, document["id"])
    assert caller.get(f"{ACCOUNTS}{document['pk']}/").json() == document
    assert _amounts() == [("correction", 10_000)]


def test_an_account_needs_an_owner_and_a_currency_only(caller: Any) -> None:
    body = {"user_email": "ada@example.com", "currency": "JPY"}
    document = _send(caller, "POST", ACCOUNTS, body).json()
    assert (document["balance"], document["currency"]) == ("0", "jpy")
    assert (document["debit_allowed"], UUID(document["number"]).version) == (False, 4)
    assert _amounts() == []


def test_a_registered_customer_owns_the_account_by_id_or_address(caller: Any) -> None:
    customer = factories.create_customer(email="ada@example.com")
    by_id = _send(caller, "POST", ACCOUNTS, {"user": customer.pk, "currency": "eur"}).json()
    by_email = _open(caller, user_email="ADA@example.com").json()
    assert (by_id["user"], by_id["user_email"]) == (customer.pk, "ada@example.com")
    assert (by_email["user"], by_email["user_email"]) == (customer.pk, "ADA@example.com")


INVALID: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"currency"}),
    ({"currency": "eur"}, {"user_email"}),
    ({"currency": "eux", "user_email": "a@example.com"}, {"currency"}),
    ({"currency": "eur", "user_email": "no address"}, {"user_email"}),
    ({"currency": "eur", "user_email": "a@example.com", "balance": "1.001"}, {"balance"}),
    ({"currency": "jpy", "user_email": "a@example.com", "balance": "1.5"}, {"balance"}),
    ({"currency": "eur", "user_email": "a@example.com", "balance": "-1"}, {"balance"}),
    ({"currency": "eur", "user_email": "a@example.com", "balance": "1e3"}, {"balance"}),
    ({"currency": "eur", "user_email": "a@example.com", "balance": True}, {"balance"}),
    ({"currency": "eur", "user": 999}, {"user"}),
    ({"currency": "eur", "user": "x", "number": 7, "debit_allowed": "y"}, {"user", "number"}),
]


@pytest.mark.parametrize(("body", "fields"), INVALID)
def test_an_invalid_account_is_refused_by_field(
    caller: Any, body: dict[str, Any], fields: set[str]
) -> None:
    response = _send(caller, "POST", ACCOUNTS, body)
    assert response.status_code == 400
    assert fields <= response.json().keys()
    assert not LoyaltyAccount.objects.exists()


@pytest.mark.parametrize("kind", ["guest", "other channel", "staff"])
def test_only_a_registered_customer_of_the_channel_can_own(caller: Any, kind: str) -> None:
    kinds: dict[str, dict[str, Any]] = {
        "guest": {"user_type": "guest"},
        "other channel": {"channel_id": shop.OTHER},
        "staff": {"is_staff": True},
    }
    user = factories.create_customer(email="x@example.com", **kinds[kind])
    assert _send(caller, "POST", ACCOUNTS, {"user": user.pk, "currency": "eur"}).json() == {
        "user": ["This channel has no registered customer with this id."],
        "code": "invalid",
    }


def test_a_known_number_is_refused(caller: Any) -> None:
    _open(caller)
    response = _open(caller, user_email="other@example.com")
    assert (response.status_code, response.json()["code"]) == (400, "loyalty_account_exists")
    assert set(response.json()) == {"number", "code"}


def test_a_repeated_request_opens_one_account(caller: Any) -> None:
    headers = {"Idempotency-Key": "open-1"}
    first = _send(caller, "POST", ACCOUNTS, JOHN, **headers)
    again = _send(caller, "POST", ACCOUNTS, JOHN, **headers)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert LoyaltyAccount.objects.count() == 1


@pytest.mark.parametrize("by_number", [True, False])
def test_a_balance_is_set_by_an_entry_of_the_difference(caller: Any, *, by_number: bool) -> None:
    pk = _open(caller).json()["pk"]
    path = ACCOUNTS if by_number else f"{ACCOUNTS}{pk}/"
    named = {"number": NUMBER} if by_number else {}
    response = _send(caller, "PATCH", path, {"balance": "79.99"} | named)
    assert (response.status_code, response.json()["balance"]) == (200, "79.99")
    assert _amounts() == [("correction", 10_000), ("correction", -2_001)]
    _send(caller, "PATCH", path, {"balance": 79.99} | named)
    assert len(_amounts()) == 2


def test_a_change_of_an_older_version_is_refused(caller: Any) -> None:
    """Else a refund that the channel has not read yet would be lost."""
    document = _open(caller).json()
    path = f"{ACCOUNTS}{document['pk']}/"
    tag = caller.get(path)["ETag"]
    credit_refund(
        create_payment(guest="john.doe@akinon.com"), 500, "eur", key="k", now=factories.NOW
    )
    refused = _send(caller, "PATCH", path, {"balance": "80.00"}, **{"If-Match": tag})
    assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")
    current = caller.get(path)
    assert current.json()["balance"] == "105.00"
    done = _send(caller, "PATCH", path, {"balance": "85.00"}, **{"If-Match": current["ETag"]})
    assert done.json()["balance"] == "85.00"


def test_a_document_that_is_sent_back_changes_nothing(caller: Any) -> None:
    document = _open(caller).json()
    path = f"{ACCOUNTS}{document['pk']}/"
    assert _send(caller, "PATCH", path, document).json() == document
    assert len(_amounts()) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("user_email", "other@example.com"),
        ("currency", "usd"),
        ("user", 7),
        ("number", "e74496da-c3e7-4a91-b382-514f638d2142"),
    ],
)
def test_owner_number_and_currency_are_fixed(caller: Any, name: str, value: Any) -> None:
    pk = _open(caller).json()["pk"]
    response = _send(caller, "PATCH", f"{ACCOUNTS}{pk}/", {name: value, "balance": "1.00"})
    assert response.status_code == 400
    assert set(response.json()) == {name, "code"}
    assert len(_amounts()) == 1


def test_a_balance_is_negative_only_with_permission(caller: Any) -> None:
    pk = _open(caller, debit_allowed=False).json()["pk"]
    path = f"{ACCOUNTS}{pk}/"
    refused = _send(caller, "PATCH", path, {"balance": "-5.00"})
    assert (refused.status_code, refused.json()["code"]) == (400, "not_enough_points")
    both = _send(caller, "PATCH", path, {"balance": "-5.00", "debit_allowed": True})
    assert (both.json()["balance"], both.json()["debit_allowed"]) == ("-5.00", True)
    assert _send(caller, "PATCH", path, {"debit_allowed": False}).status_code == 400
    paid = _send(caller, "PATCH", path, {"debit_allowed": False, "balance": "0.00"})
    assert (paid.json()["balance"], paid.json()["debit_allowed"]) == ("0.00", False)


@pytest.mark.parametrize("body", [{}, {"number": None}, {"number": "x"}, {"number": 7}])
def test_a_patch_of_the_list_names_a_number(caller: Any, body: dict[str, Any]) -> None:
    response = _send(caller, "PATCH", ACCOUNTS, body | {"balance": "1.00"})
    assert (response.status_code, set(response.json())) == (400, {"number", "code"})


def test_an_unknown_number_or_channel_is_not_found(caller: Any) -> None:
    body = {"number": NUMBER, "balance": "1.00"}
    assert _send(caller, "PATCH", ACCOUNTS, body).status_code == 404
    shop.key(channels=(shop.OTHER,))
    open_account(
        shop.OTHER, NewAccount("a@example.com", "eur", number=UUID(NUMBER)), now=factories.NOW
    )
    assert _send(caller, "PATCH", ACCOUNTS, body).status_code == 404
    assert caller.get("/api/v1/remote/2/loyalty_account/").status_code == 404


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_changes_need_the_scope_money(method: str) -> None:
    response = _send(shop.client(), method, ACCOUNTS, JOHN)
    assert (response.status_code, response.json()["code"]) == (403, "permission_denied")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, "dcba"),
        ({"user_email": "B@x.example"}, "b"),
        ({"user_email": "nobody@x.example"}, ""),
        ({"number": NUMBER}, "a"),
        ({"currency": "USD"}, "dc"),
        ({"user": "999"}, ""),
        ({"created_date__gt": "2020-01-01"}, "dcba"),
        ({"modified_date__lt": "2020-01-01"}, ""),
    ],
)
def test_accounts_are_filtered(caller: Any, query: dict[str, str], names: str) -> None:
    for name, currency in {"a": "eur", "b": "eur", "c": "usd", "d": "usd"}.items():
        number = UUID(NUMBER) if name == "a" else None
        new = NewAccount(f"{name}@x.example", currency, number=number)
        open_account(factories.SHOP, new, now=factories.NOW)
    results = caller.get(ACCOUNTS, query).json()["results"]
    assert "".join(row["user_email"][0] for row in results) == names


def test_a_transaction_is_shown_as_documented() -> None:
    customer = factories.create_customer(email="ada@example.com")
    payment = create_payment(customer=customer)
    entry = credit_refund(payment, 1_050, "try", key="0" * 32, now=factories.NOW)
    response = shop.client().get(f"{TRANSACTIONS}{entry.pk}/")
    assert response.status_code == 200
    document = msgspec.json.Decoder(float_hook=Decimal).decode(response.content)
    assert list(document) == list(documents.ChannelLoyaltyTransaction.__annotations__)
    account = LoyaltyAccount.objects.get()
    owner = document.pop("customer")
    assert document == {
        "pk": entry.pk,
        "id": entry.pk,
        "uuid": str(entry.uuid),
        "amount": Decimal("10.50"),
        "currency": "try",
        "account": str(account.number),
        "order": payment.order_id,
        "user_email": "ada@example.com",
        "transaction_type": "refund",
        "customer_email": "ada@example.com",
        "raw_request": None,
        "raw_response": None,
        "reference": "0" * 32,
        "remote_addr": None,
        "created_date": "2026-03-10T12:00:00Z",
        "modified_date": "2026-03-10T12:00:00Z",
    }
    assert b"10.50" in response.content
    assert (owner["pk"], owner["email"], owner["user_type"]) == (
        customer.pk,
        "ada@example.com",
        "registered",
    )


def test_the_transaction_of_a_guest_names_the_customer_of_the_order() -> None:
    payment = create_payment(guest="ada@example.com")
    entry = credit_refund(payment, 5, "try", key="k", now=factories.NOW)
    document = shop.client().get(f"{TRANSACTIONS}{entry.pk}/").json()
    assert document["customer"]["pk"] == payment.order.user_id
    assert document["customer_email"] == document["user_email"] == "ada@example.com"


def test_a_correction_of_a_guest_has_neither_order_nor_customer(caller: Any) -> None:
    _open(caller)
    [document] = caller.get(TRANSACTIONS).json()["results"]
    assert (document["order"], document["customer"], document["reference"]) == (None, None, None)
    assert document["customer_email"] == "john.doe@akinon.com"


FILTERS: list[tuple[dict[str, str], list[int]]] = [
    ({}, [30, 20, 10]),
    ({"transaction_type": "refund"}, [30, 20, 10]),
    ({"transaction_type": "purchase"}, []),
    ({"customer_email": "ADA@example.com"}, [20, 10]),
    ({"user_email": "b@example.com"}, [30]),
    ({"created_date__date__gte": "2026-03-10"}, [30, 20, 10]),
    ({"created_date__gt": "2026-03-10T12:00:00Z"}, [20]),
    ({"created_date": "2026-03-10T12:00:00Z"}, [30, 10]),
    ({"modified_date__lte": "2026-03-10T12:00:00Z"}, [30, 10]),
    ({"modified_date__date__lt": "2026-03-10"}, []),
    ({"limit": "1", "page": "2"}, [20]),
    ({"unknown": "x"}, [30, 20, 10]),
]


@pytest.mark.parametrize(("query", "amounts"), FILTERS)
def test_transactions_are_filtered(query: dict[str, str], amounts: list[int]) -> None:
    moments = (factories.NOW, factories.NOW.replace(hour=13), factories.NOW)
    emails = ("ada@example.com", "ada@example.com", "b@example.com")
    for index, (now, email) in enumerate(zip(moments, emails, strict=True), 1):
        payment = create_payment(number=f"A-{index}", guest=email)
        credit_refund(payment, index * 1_000, "try", key=f"k{index}", now=now)
    caller = shop.client()
    with zeal.zeal_context():
        response = caller.get(TRANSACTIONS, query)
    assert [row["amount"] for row in response.json()["results"]] == amounts


def test_transactions_are_filtered_by_order_and_uuid() -> None:
    payment, other = create_payment(), create_payment(number="A-2")
    entry = credit_refund(payment, 5, "try", key="k1", now=factories.NOW)
    credit_refund(other, 7, "try", key="k2", now=factories.NOW)
    caller = shop.client()
    for query in ({"order": str(payment.order_id)}, {"uuid": str(entry.uuid)}):
        results = caller.get(TRANSACTIONS, query).json()["results"]
        assert [row["pk"] for row in results] == [entry.pk]


@pytest.mark.parametrize(
    "query",
    [{"uuid": "x"}, {"order": "x"}, {"transaction_type": "gift"}, {"created_date__gt": "soon"}],
)
def test_an_invalid_filter_is_refused(query: dict[str, str]) -> None:
    response = shop.client().get(TRANSACTIONS, query)
    assert (response.status_code, set(response.json())) == (400, {*query, "code"})


def test_transactions_of_other_channels_are_not_shown() -> None:
    payment = create_payment(channel_id=shop.OTHER)
    entry = credit_refund(payment, 5, "try", key="k", now=factories.NOW)
    caller = shop.client()
    assert caller.get(TRANSACTIONS).json()["count"] == 0
    assert caller.get(f"{TRANSACTIONS}{entry.pk}/").status_code == 404
    both = shop.client(shop.key(channels=(shop.SHOP, shop.OTHER)))
    assert both.get(TRANSACTIONS).json()["count"] == 1


def test_a_page_of_transactions_takes_a_fixed_number_of_queries(
    django_assert_num_queries: Any,
) -> None:
    for index in range(5):
        payment = create_payment(number=f"A-{index}", guest=f"g{index}@example.com")
        credit_refund(payment, 5, "try", key=f"k{index}", now=factories.NOW)
    caller = shop.client()
    caller.get("/api/v1/active_user/")
    with django_assert_num_queries(6):
        assert len(caller.get(TRANSACTIONS).json()["results"]) == 5
