"""Bank accounts in new cases: validation, masking, and no hint at other owners."""

from typing import Any

import pytest

from takeback.cancellations.models import CancellationRequest
from takeback.orders.order_input import PaymentIn
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import nothing_written, verify_order
from tests.storefront.routes import ROUTES, Shop, in_both_dialects, opened_by_all_routes, texts

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

IBAN, HOLDER = "TR330006100519786457841326", "Ayla Ray"
OTHER_IBAN = "DE89370400440532013000"
BOTH = "Send both the IBAN and the name of the account holder."


@pytest.fixture
def shop(settings: Any) -> Shop:
    """Both orders were paid in cash; requests are not limited."""
    settings.LIMITS_ENABLED = False
    cash = [PaymentIn(kind="pay_on_delivery", amount_minor=1000, captured_minor=1000)]
    return Shop(payment_type="pay_on_delivery", payments=cash)


def assert_field_error(shop: Shop, field: str, values: list[Any], **others: Any) -> None:
    """All routes return an error of this field only, and write nothing."""
    with nothing_written():
        for name, route, dialect in in_both_dialects():
            for value in values:
                response = shop.open_case(route, dialect, **others | {field: value})
                errors = response.json()
                errors = errors["cancel_order_items"]["0"] if route.is_bulk else errors
                assert (response.status_code, list(errors)) == (400, [field]), (name, value, errors)
                [text] = errors.values()
                assert text == texts(text if isinstance(text, str) else text[0], dialect), name
                assert str(value) not in response.content.decode() or value in ("", None)


IBANS = [
    "TR330006100519786457841327", "TR33000610051978645784132", "TR3300061005197864578413260",
    "TR33" + "0" * 32, "XX330006100519786457841326", "TR000000000000000000000000",
    "TR33000610051978645784132\u0966", "TR330006100519786457841326\u200b", "4111111111111111",
    "T\u0052\u0660\u0661" + "0" * 22, "TR33\n0006100519786457841326", "<b>", "test-iban",
]  # fmt: skip


def test_invalid_iban_is_refused(shop: Shop) -> None:
    assert_field_error(shop, "iban", IBANS, holder_name=HOLDER)


def test_bank_account_of_another_type_is_refused(shop: Shop) -> None:
    assert_field_error(shop, "iban", [True, 7, 7.5, ["a"], {"$ne": None}], holder_name=HOLDER)
    assert_field_error(shop, "holder_name", [True, 7, 7.5, ["a"], {"$ne": None}], iban=IBAN)


@pytest.mark.parametrize(
    "written", ["tr33 0006 1005 1978 6457 8413 26", "TR330006100519786457841326", f" {IBAN} "]
)
def test_iban_is_normalized(written: str, shop: Shop) -> None:
    for case in opened_by_all_routes(shop, iban=written, holder_name=HOLDER):
        assert (case["iban"], case["holder_name"]) == (IBAN, HOLDER)


def test_invalid_holder_name_is_refused(shop: Shop) -> None:
    names = ["x" * 256, "12345", "Ayla\nRay", "A", "\U0001f600\U0001f600", "Ayla\u202eRay"]
    assert_field_error(shop, "holder_name", names, iban=IBAN)


def test_holder_name_is_stored_unchanged(shop: Shop) -> None:
    for name in ("<b>Ayla</b>", "Ömer O'Brien-Şahin", "x" * 255):
        for case in opened_by_all_routes(shop, iban=IBAN, holder_name=name):
            assert case["holder_name"] == name


def test_iban_and_holder_name_require_each_other(shop: Shop) -> None:
    with nothing_written():
        for name, route, dialect in in_both_dialects():
            for present, value, missing in (
                ("iban", IBAN, "holder_name"),
                ("holder_name", HOLDER, "iban"),
            ):
                for empty in (..., None, ""):
                    response = shop.open_case(route, dialect, **{present: value, missing: empty})
                    actual = response.status_code, response.json()
                    assert actual == route.field_error(dialect, missing, BOTH), (name, empty)


def test_cash_order_opens_a_case_with_a_bank_account(shop: Shop) -> None:
    # Promise P21: the bank account of a guest is stored, but unconfirmed.
    for name, confirmed in (("customer, one item", True), ("guest, one item", False)):
        assert shop.open_case(ROUTES[name], iban=IBAN, holder_name=HOLDER).status_code == 200
        case = CancellationRequest.objects.order_by("-pk")[0]
        assert case.is_bank_account_confirmed is confirmed
        assert IBAN not in f"{case.iban_encrypted}{case.holder_name_encrypted}{case.iban_index}"


def test_bank_account_is_masked_for_guests_only(
    shop: Shop,
) -> None:
    # Promises P21, P25: number and e-mail address suffice to open a case, not to read an IBAN.
    for name in ("customer, one item", "guest, one item"):
        document = shop.open_case(ROUTES[name], iban=IBAN, holder_name=HOLDER).json()
        assert (document["iban"], document["holder_name"]) == (IBAN, HOLDER)
    order = shop.guest_order.pk
    masked = ("TR33 •••• 1326", "A••• R•••")

    guest = HttpClient()
    [order_document] = verify_order(guest).json()
    cancelling = guest.get(f"/users/orders/{order}/cancellation/").json()
    documents = [order_document, guest.get(f"/users/orders/{order}/").json(), cancelling]
    own = shop.customer.get(f"/users/orders/{shop.customer_order.pk}/").json()

    for document in documents:
        assert accounts_in(document) == {masked}
    assert accounts_in(own) == {(IBAN, HOLDER)}
    [case] = shop.customer.get("/users/orders/cancellation_requests/").json()["results"]
    assert (case["iban"], case["holder_name"]) == (IBAN, HOLDER)


def accounts_in(document: dict[str, Any]) -> set[tuple[str, str]]:
    """The bank accounts of all cases in an order."""
    items = document["orderitem_set"]
    cases = [case for item in items for case in item["cancellationrequest_set"]]
    cases += [item["active_cancellation_request"] for item in items]
    return {(case["iban"], case["holder_name"]) for case in cases}


def test_response_does_not_reveal_that_an_iban_is_shared(shop: Shop) -> None:
    other = factories.create_order(guest="other@example.com", number="77")
    factories.create_case(item=factories.items_of(other)[0], iban=IBAN, holder_name=HOLDER)
    ours = {"id", "pk", "uuid", "iban", "modified_date"}
    shared = opened_by_all_routes(shop, iban=IBAN, holder_name=HOLDER)
    alone = opened_by_all_routes(shop, iban=OTHER_IBAN, holder_name=HOLDER)

    for first, second in zip(shared, alone, strict=True):
        assert {key: first[key] for key in first if key not in ours} == {
            key: second[key] for key in second if key not in ours
        }
