"""Bank accounts over HTTP: what is refused, and that no answer tells whose else it is (6.4)."""

from typing import Any

import pytest

from takeback.cancellations.models import CancellationRequest
from takeback.orders.order_input import TenderIn
from tests import factories
from tests.factories import Visitor
from tests.storefront.api import nothing_written, prove
from tests.storefront.routes import WAYS, Shop, everywhere, let_in_everywhere, texts

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

IBAN, HOLDER = "TR330006100519786457841326", "Ayla Ray"
OTHER_IBAN = "DE89370400440532013000"
BOTH = "Send both the IBAN and the name of the account holder."


@pytest.fixture
def shop(settings: Any) -> Shop:
    """Both paid in cash; calls are not counted here."""
    settings.LIMITS_ENABLED = False
    cash = [TenderIn(kind="pay_on_delivery", amount_minor=1000, captured_minor=1000)]
    return Shop(payment_type="pay_on_delivery", tenders=cash)


def wrong(shop: Shop, field: str, values: list[Any], **others: Any) -> None:
    """Every route says of this field alone that it is wrong, and writes nothing."""
    with nothing_written():
        for name, way, dialect in everywhere():
            for value in values:
                answer = shop.ask(way, dialect, **others | {field: value})
                told = answer.json()
                told = told["cancel_order_items"]["0"] if way.is_bulk else told
                assert (answer.status_code, list(told)) == (400, [field]), (name, value, told)
                [text] = told.values()
                assert text == texts(text if isinstance(text, str) else text[0], dialect), name
                assert str(value) not in answer.content.decode() or value in ("", None)


IBANS = [
    "TR330006100519786457841327", "TR33000610051978645784132", "TR3300061005197864578413260",
    "TR33" + "0" * 32, "XX330006100519786457841326", "TR000000000000000000000000",
    "TR33000610051978645784132\u0966", "TR330006100519786457841326\u200b", "4111111111111111",
    "T\u0052\u0660\u0661" + "0" * 22, "TR33\n0006100519786457841326", "<b>", "test-iban",
]  # fmt: skip


def test_what_is_no_iban_is_refused(shop: Shop) -> None:
    # C26
    wrong(shop, "iban", IBANS, holder_name=HOLDER)


def test_an_iban_of_another_kind_is_refused(shop: Shop) -> None:
    # J19
    wrong(shop, "iban", [True, 7, 7.5, ["a"], {"$ne": None}], holder_name=HOLDER)
    wrong(shop, "holder_name", [True, 7, 7.5, ["a"], {"$ne": None}], iban=IBAN)


@pytest.mark.parametrize(
    "written", ["tr33 0006 1005 1978 6457 8413 26", "TR330006100519786457841326", f" {IBAN} "]
)
def test_an_iban_is_read_as_people_write_it(written: str, shop: Shop) -> None:
    # C26
    for case in let_in_everywhere(shop, iban=written, holder_name=HOLDER):
        assert (case["iban"], case["holder_name"]) == (IBAN, HOLDER)


def test_what_is_no_name_is_refused(shop: Shop) -> None:
    # C29
    names = ["x" * 256, "12345", "Ayla\nRay", "A", "\U0001f600\U0001f600", "Ayla\u202eRay"]
    wrong(shop, "holder_name", names, iban=IBAN)


def test_a_name_is_text_and_stays_text(shop: Shop) -> None:
    # C29
    for name in ("<b>Ayla</b>", "Ömer O'Brien-Şahin", "x" * 255):
        for case in let_in_everywhere(shop, iban=IBAN, holder_name=name):
            assert case["holder_name"] == name


def test_half_an_account_is_none(shop: Shop) -> None:
    # C30
    with nothing_written():
        for name, way, dialect in everywhere():
            for given, value, missing in (
                ("iban", IBAN, "holder_name"),
                ("holder_name", HOLDER, "iban"),
            ):
                for empty in (..., None, ""):
                    answer = shop.ask(way, dialect, **{given: value, missing: empty})
                    told = answer.status_code, answer.json()
                    assert told == way.fault(dialect, missing, BOTH), (name, empty)


def test_a_cash_order_is_let_in_with_its_account(shop: Shop) -> None:
    # C27, P21: a guest's account is kept and not believed.
    for name, confirmed in (("customer one", True), ("guest one", False)):
        assert shop.ask(WAYS[name], iban=IBAN, holder_name=HOLDER).status_code == 200
        case = CancellationRequest.objects.order_by("-pk")[0]
        assert case.is_bank_account_confirmed is confirmed
        assert IBAN not in f"{case.iban_encrypted}{case.holder_name_encrypted}{case.iban_index}"


def test_an_account_is_shown_whole_to_its_owner_and_masked_to_whoever_looks_the_order_up(
    shop: Shop,
) -> None:
    # P21, P25: number and e-mail are enough to ask, not to read where money goes.
    for name in ("customer one", "guest one"):
        told = shop.ask(WAYS[name], iban=IBAN, holder_name=HOLDER).json()
        assert (told["iban"], told["holder_name"]) == (IBAN, HOLDER)
    order = shop.of_guest.pk
    masked = ("TR33 •••• 1326", "A••• R•••")

    guest = Visitor()
    [found] = prove(guest).json()
    cancelling = guest.get(f"/users/orders/{order}/cancellation/").json()
    documents = [found, guest.get(f"/users/orders/{order}/").json(), cancelling]
    own = shop.customer.get(f"/users/orders/{shop.of_customer.pk}/").json()

    for document in documents:
        assert accounts_in(document) == {masked}
    assert accounts_in(own) == {(IBAN, HOLDER)}
    [case] = shop.customer.get("/users/orders/cancellation_requests/").json()["results"]
    assert (case["iban"], case["holder_name"]) == (IBAN, HOLDER)


def accounts_in(document: dict[str, Any]) -> set[tuple[str, str]]:
    """Of all cases inside an order's lines."""
    lines = document["orderitem_set"]
    cases = [case for line in lines for case in line["cancellationrequest_set"]]
    cases += [line["active_cancellation_request"] for line in lines]
    return {(case["iban"], case["holder_name"]) for case in cases}


def test_an_account_that_somebody_else_named_is_answered_like_any_other(shop: Shop) -> None:
    # C28
    other = factories.make_order(guest="other@example.com", number="77")
    factories.make_request(item=factories.items_of(other)[0], iban=IBAN, holder_name=HOLDER)
    ours = {"id", "pk", "uuid", "iban"}
    shared = let_in_everywhere(shop, iban=IBAN, holder_name=HOLDER)
    alone = let_in_everywhere(shop, iban=OTHER_IBAN, holder_name=HOLDER)

    for one, another in zip(shared, alone, strict=True):
        assert {key: one[key] for key in one if key not in ours} == {
            key: another[key] for key in another if key not in ours
        }
