"""Payments that channels send: ids, captures and currencies, at once, again and by PATCH."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from takeback.orders.audit import unbalanced_orders
from takeback.orders.models import Order, Payment
from tests.channel import shop
from tests.channel.shop import order_body

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several requests"),
]

IDS = {"account": "stripe-live", "reference": "pi_1", "provider_order": "O-7"}
COLUMNS = (
    "kind", "account", "reference", "provider_order", "currency", "amount_minor", "captured_minor",
)  # fmt: skip


def send(*payments: Any, **order: Any) -> Any:
    """POST an order of 20.37 with these payments."""
    body = order_body(order | ({"payments": list(payments)} if payments else {}))
    return shop.create_order(shop.client(), body)


def patch(*payments: Any, **fields: Any) -> Any:
    """PATCH the only order."""
    order = Order.objects.get()
    return shop.patch(f"/api/v1/orders/{order.pk}/", {"payments": list(payments)} | fields)


def card(amount: str = "20.37", **fields: Any) -> dict[str, Any]:
    return {"payment_type": "credit_card", "amount": amount} | fields


def stored() -> list[tuple[Any, ...]]:
    order = Order.objects.get()
    assert order.is_finalized
    assert unbalanced_orders(order.pk, order.pk) == []
    return list(Payment.objects.order_by("pk").values_list(*COLUMNS))


def error_paths(response: Any) -> set[str]:
    return set(response.json()) - {"code"}


def test_several_payments_arrive_with_their_ids() -> None:
    response = send(
        card("10.00", **IDS, captured_amount="4.00"),
        card("5.37", account="stripe-live", reference=77, provider_order="O-7", currency="USD"),
        {"payment_type": "loyalty_money", "amount": 5, "currency": "try"},
    )

    assert response.status_code == 201, response.content
    assert stored() == [
        ("credit_card", "stripe-live", "pi_1", "O-7", None, 1000, 400),
        ("credit_card", "stripe-live", "77", "O-7", "usd", 537, 537),
        ("loyalty_money", None, None, None, None, 500, 500),
    ]


def test_payment_without_ids_is_accepted() -> None:
    assert send(card()).status_code == 201
    assert send(number="2").status_code == 201

    columns = Payment.objects.order_by("pk").values_list(*COLUMNS)
    assert list(columns) == [
        ("credit_card", None, None, None, None, 2037, 2037),
        ("unknown", None, None, None, None, 2037, 2037),
    ]


def test_ids_arrive_with_the_order_sent_again() -> None:
    send()
    body = card(**IDS)

    assert send(body).status_code == 200
    before = Order.objects.get()

    assert stored() == [("credit_card", "stripe-live", "pi_1", "O-7", None, 2037, 2037)]
    assert send(body).status_code == 200
    assert send().status_code == 200
    assert Order.objects.get().modified_date == before.modified_date


def test_captures_arrive_with_the_order_sent_again() -> None:
    send(status=300)
    captures = [card("12.37", reference="c1", **ORDER), card("8.00", reference="c2", **ORDER)]

    response = send(captures[0] | {"captured_amount": 0}, captures[1])

    assert response.status_code == 200
    assert stored() == [
        ("credit_card", None, "c2", "O-7", None, 800, 0),
        ("credit_card", None, "c1", "O-7", None, 1237, 0),
    ]
    captured = [capture | {"captured_amount": capture["amount"]} for capture in captures]
    assert send(*captured).status_code == 200
    assert [row[-1] for row in stored()] == [800, 1237]
    lower = send(captures[0] | {"captured_amount": 1}, captures[1])
    assert lower.headers["X-Takeback-Skipped"] == "payments.0.captured_amount"
    assert [row[-1] for row in stored()] == [800, 1237]


ORDER = {"provider_order": "O-7"}


@pytest.mark.parametrize("name", IDS)
def test_another_id_in_an_order_sent_again_is_refused_by_name(name: str) -> None:
    send(card(**IDS))
    rows = stored()

    response = send(card(**IDS | {name: "other"}), status=450)

    assert (response.status_code, error_paths(response)) == (406, {f"payments.0.{name}"})
    assert response.json()["code"] == "order_is_fixed"
    assert (stored(), Order.objects.get().status) == (rows, 400)


def test_addition_raises_the_payment_that_it_is_paid_with() -> None:
    send(card(**IDS))
    items = [shop.item_body(), shop.item_body(remote_id="2", price="5.00")]
    order = {"amount": "25.37", "payments": [card("25.37", **IDS, captured_amount="21.00")]}

    response = shop.create_order(shop.client(), order_body(order, *items))

    assert response.status_code == 200, response.content
    assert stored() == [("credit_card", "stripe-live", "pi_1", "O-7", None, 2537, 2100)]


def test_patch_fills_in_ids_and_raises_the_captured_amount() -> None:
    send(card(captured_amount=0))
    before = Order.objects.get()

    response = patch({**IDS, "currency": "eur", "captured_amount": "7.50"}, is_send=True)

    assert (response.status_code, response.json()["is_send"]) == (200, True)
    assert stored() == [("credit_card", "stripe-live", "pi_1", "O-7", "eur", 2037, 750)]
    after = Order.objects.get()
    assert after.modified_date > before.modified_date
    assert patch(IDS).status_code == 200
    assert Order.objects.get().modified_date == after.modified_date


def test_patch_reports_one_capture_after_the_other() -> None:
    send(card(captured_amount=0))
    first = {"reference": "c1", "amount": "12.00", "captured_amount": "12.00"}
    second = {"reference": "c2", "amount": "8.37", "captured_amount": "8.37"}

    for captures in ([first], [first], [second], [first, second]):
        assert patch(*captures).status_code == 200

    assert stored() == [
        ("credit_card", None, "c2", None, None, 837, 837),
        ("credit_card", None, "c1", None, None, 1200, 1200),
    ]
    assert send(card(captured_amount=0)).status_code == 200


def test_order_sent_again_after_a_patch_reports_what_is_skipped() -> None:
    body = card(captured_amount=0)
    send(body)
    patch({"captured_amount": 20})

    assert send(body).headers["X-Takeback-Skipped"] == "payments.0.captured_amount"
    assert stored()[0][-1] == 2000


@pytest.mark.parametrize(
    ("payment", "path", "code"),
    [
        ({"reference": "other"}, ".reference", "payment_is_fixed"),
        ({"reference": "pi_1", "account": "other"}, ".account", "payment_is_fixed"),
        ({"reference": "pi_1", "provider_order": "x"}, ".provider_order", "payment_is_fixed"),
        ({"reference": "pi_1", "captured_amount": "9.99"}, ".captured_amount", "captured_falls"),
        (
            {"reference": "pi_1", "captured_amount": "20.38"},
            ".captured_amount",
            "captured_above_amount",
        ),
        ({"amount": "1.00"}, "", "payment_not_identified"),
        ({"payment_type": "funds_transfer", "reference": "x"}, "", "payment_not_identified"),
    ],
)
def test_patch_that_contradicts_a_payment_is_refused_by_name(
    payment: dict[str, Any], path: str, code: str
) -> None:
    send(card(**IDS, captured_amount=10))
    rows = stored()

    response = patch(payment, is_send=True)

    assert (response.status_code, response.json()["code"]) == (400, code)
    assert error_paths(response) == {f"payments.0{path}"}
    assert (stored(), Order.objects.get().is_send) == (rows, False)


CONTROL = "pi\u0007_1"
INVALID: list[tuple[dict[str, Any], str]] = [
    ({"amount": "20.375"}, "amount"),
    ({"amount": "-20.37"}, "amount"),
    ({"amount": 10**15}, "amount"),
    ({"amount": True}, "amount"),
    ({"captured_amount": "0.001"}, "captured_amount"),
    ({"captured_amount": -1}, "captured_amount"),
    ({"captured_amount": "20.38"}, "captured_amount"),
    ({"currency": "xyz"}, "currency"),
    ({"currency": "xau"}, "currency"),
    ({"currency": 978}, "currency"),
    ({"reference": "x" * 10_000}, "reference"),
    ({"reference": "x" * 256}, "reference"),
    ({"reference": CONTROL}, "reference"),
    ({"reference": "pi\u202e_1"}, "reference"),
    ({"reference": ["pi_1"]}, "reference"),
    ({"provider_order": "x" * 10_000}, "provider_order"),
    ({"provider_order": CONTROL}, "provider_order"),
    ({"provider_order": True}, "provider_order"),
    ({"account": "x" * 10_000}, "account"),
    ({"account": "x" * 65}, "account"),
    ({"account": "a\nb"}, "account"),
    ({"account": 7}, "account"),
]


@pytest.mark.parametrize(("fields", "name"), INVALID)
def test_invalid_field_of_a_payment_is_refused_by_path(fields: dict[str, Any], name: str) -> None:
    send(card("20.37"), number="1")
    rows = stored()

    for position, response in (
        (1, send(card("0.00"), card() | fields)),
        (0, patch({"amount": "20.37"} | fields)),
    ):
        assert response.status_code == 400, response.content
        assert error_paths(response) == {f"payments.{position}.{name}"}
    assert stored() == rows


def test_all_errors_are_named_at_once_in_the_language_of_the_caller() -> None:
    payments = [card("1.001", account="a\u0007"), card("-1", currency="xyz", reference="x" * 256)]
    paths = {
        "payments.0.amount",
        "payments.0.account",
        "payments.1.amount",
        "payments.1.currency",
        "payments.1.reference",
    }

    response = shop.create_order(
        shop.client(),
        order_body({"payments": payments, "is_send": "x"}),
        **{"accept-language": "de"},
    )

    assert error_paths(response) == paths | {"is_send"}
    text = "Diese Währung ist unbekannt. Senden Sie einen Code nach ISO 4217."
    assert response.json()["payments.1.currency"] == [text]
    send(number="1")
    assert error_paths(patch(*payments, is_send="x")) == paths | {"is_send"}


@pytest.mark.parametrize("accounts", [("a", "a"), ("a", None), (None, "a"), (None, None)])
@pytest.mark.parametrize("name", ["payments", "fundstransfertransaction_set"])
def test_two_payments_with_one_reference_are_refused(
    accounts: tuple[str | None, ...], name: str
) -> None:
    payments = [card("10.00", account=account, reference="pi_1") for account in accounts]
    payments.append(card("0.37", reference="pi_2"))

    response = shop.create_order(
        shop.client(), order_body({name: [*payments, card("10.00")]}), **{"accept-language": "en"}
    )

    assert error_paths(response) == {f"{name}.1.reference"}
    (text,) = response.json()[f"{name}.1.reference"]
    assert text.startswith("Two payments of an order cannot have the same account and reference.")
    assert Order.objects.count() == 0


def test_accounts_may_use_the_same_reference() -> None:
    payments = [
        card("10.00", account="a", reference="1"),
        card("10.37", account="b", reference="1"),
    ]

    assert send(*payments).status_code == 201
    assert [row[1:3] for row in stored()] == [("a", "1"), ("b", "1")]


def test_database_refuses_a_second_row_of_a_payment() -> None:
    send(card("10.00", reference="pi_1"), card("10.37"))
    first, second = Payment.objects.order_by("pk")

    with pytest.raises(IntegrityError, match="one_payment_per_reference"), transaction.atomic():
        Payment.objects.filter(pk=second.pk).update(reference="pi_1")
    Payment.objects.filter(pk=second.pk).update(reference="pi_1", account="other")
    assert Payment.objects.filter(reference="pi_1").count() == 2
    assert first.account is None


def test_order_has_at_most_a_hundred_payments() -> None:
    many = [card("0.01", reference=f"c{n}") for n in range(101)]

    response = send(*many)

    assert error_paths(response) == {"payments"}
    send(number="1")
    assert error_paths(patch(*many)) == {"payments"}


def test_payments_must_make_up_the_amount_in_the_currency_of_the_order() -> None:
    charged = send(card("22.00", currency="usd"))

    assert (charged.status_code, charged.json()["code"]) == (400, "order_does_not_add_up")


def test_patch_of_an_order_of_another_channel_is_not_known() -> None:
    send(card())
    order = Order.objects.get()
    stranger = shop.client(shop.key(channels=[shop.OTHER]))

    response = shop.patch(f"/api/v1/orders/{order.pk}/", {"payments": [IDS]}, stranger)

    assert (response.status_code, stored()[0][1]) == (404, None)


def test_payment_type_of_any_length_is_stored() -> None:
    assert send(payment_type="x" * 64).status_code == 201
    assert Payment.objects.get().kind == "x" * 64


@pytest.mark.parametrize(
    ("currency", "amount", "minor"),
    [("kwd", "20.375", 20375), ("jpy", "20", 20), ("clf", "20.3756", 203756), ("huf", "9.5", 950)],
)
def test_amounts_of_payments_have_the_decimals_of_the_order(
    currency: str, amount: str, minor: int
) -> None:
    item = shop.item_body(price=amount)
    order = {
        "currency": currency,
        "amount": amount,
        "shipping_amount": 0,
        "payments": [card(amount, currency="eur", captured_amount=amount)],
    }

    assert shop.create_order(shop.client(), order_body(order, item)).status_code == 201
    assert [row[4:] for row in stored()] == [("eur", minor, minor)]
    finer_amount = f"{amount}{'' if '.' in amount else '.'}00001"
    finer = order | {"number": "2", "payments": [card(finer_amount)]}
    assert "payments.0.amount" in error_paths(
        shop.create_order(shop.client(), order_body(finer, item))
    )
