"""Erasing a person: nothing of them is left in any table or file, and all sums are."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zeal
from django.apps import apps
from pytest_django import Settings

from takeback.accounts.customer_input import CustomerIn
from takeback.accounts.models import EmailChange, Session, StaffMember, User
from takeback.addresses.models import Address
from takeback.archive.models import OldOrder
from takeback.bank_accounts.bank_account import BankAccount, encrypted_columns
from takeback.cancellations.commands.erase_person import Erased, erase_person
from takeback.cancellations.models import (
    CancellationRequest,
    CancellationRequestImage,
    CaseHistory,
)
from takeback.cancellations.statuses import LIVE, Status
from takeback.channel_sync.models import ErrorReport
from takeback.core.errors import Refused
from takeback.images.store import write_image
from takeback.loyalty.commands.entries import add_entry
from takeback.loyalty.models import LoyaltyAccount
from takeback.loyalty.transaction_types import TransactionType
from takeback.orders.commands.ingest import REFUSED, UNCHANGED
from takeback.orders.models import Order, OrderItem, Payment
from takeback.refunds.models import Refund
from takeback.refunds.statuses import Status as RefundStatus
from tests import factories, full_order
from tests.channel import shop, sync
from tests.desk.agents import member
from tests.factories import NOW, SHOP
from tests.refunds.accounts import create_refund

pytestmark = [
    pytest.mark.allow_repeated_queries("erases an order and a user at a time"),
    pytest.mark.django_db,
]

MARK = "Zephyrine"
"""Occurs in every text of the person, and nowhere else."""
EMAIL = f"{MARK.lower()}@example.com"
OTHER = "other@example.com"
ADDRESS: dict[str, Any] = full_order.ADDRESS | {
    "first_name": MARK,
    "last_name": MARK,
    "phone_number": MARK,
    "email": EMAIL,
    "title": MARK,
    "line": f"{MARK} Street 1",
    "township": f"{MARK} quarter",
    "district": f"{MARK} district",
    "postcode": MARK,
    "notes": MARK,
    "company_name": MARK,
    "tax_office": MARK,
    "tax_no": MARK,
    "identity_number": MARK,
    "remote_id": MARK,
    "retail_store": {"name": MARK},
    "extra_field": {"note": MARK},
}
ORDER: dict[str, Any] = {
    "gift_box_note": MARK,
    "notes": MARK,
    "remote_addr": MARK,
    "extra_field": {"note": MARK},
    "details": {
        "card": {"holder": MARK},
        "basket": {"owner": MARK},
        "cancellation_info": {"note": MARK},
        "segment": "kept",
    },
}


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Settings) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def create_person(media: Path) -> tuple[User, list[Order]]:
    """A customer and the guest of the same address, with data in every place that has any."""
    user = factories.create_customer(
        email=EMAIL,
        first_name=MARK,
        last_name=MARK,
        phone=MARK,
        channel_code=MARK,
        erp_code=MARK,
        attributes={"a": MARK},
        attributes_kwargs={"a": MARK},
        extra_field={"a": MARK},
    )
    addresses: dict[str, Any] = {
        "shipping_address": factories.address_input(**ADDRESS),
        "billing_address": factories.address_input(**ADDRESS),
    }
    own = factories.create_order(number="1", customer=user, **ORDER, **addresses)
    guest = factories.create_order(number="2", guest=EMAIL.upper(), **ORDER, **addresses)
    pickup = factories.create_address(user=user, **ADDRESS)
    factories.create_address(user=user, **ADDRESS | {"line": "another"})
    with zeal.zeal_ignore():
        _create_case(own, pickup, media)
        _create_records(user, own)
    return user, [own, guest]


def _create_case(order: Order, pickup: Address, media: Path) -> None:
    easy_return = factories.create_easy_return(
        pickup_address=pickup, raw_request=MARK, raw_response=MARK
    )
    case = factories.create_case(
        item=factories.items_of(order)[0],
        status=Status.COMPLETED.value,
        description=MARK,
        attributes={"a": MARK},
        easy_return=easy_return,
    )
    columns = encrypted_columns(BankAccount("TR330006100519786457841326", MARK), case.uuid)
    CancellationRequest.objects.filter(pk=case.pk).update(**columns)
    image = write_image(b"image", "jpg")
    factories.create_image(case=case, image=image.name, description=MARK)
    assert (media / image.name).exists()


def _create_records(user: User, order: Order) -> None:
    factories.create_old_order(
        customer=user, shipping_address=MARK, billing_address=MARK, extra_field={"a": MARK}
    )
    account = LoyaltyAccount.objects.create(
        channel_id=SHOP, user=user, user_email=EMAIL, email_key=EMAIL, currency="try"
    )
    add_entry(account, 700, TransactionType.CORRECTION, now=NOW)
    EmailChange.objects.create(
        user=user, old_email=EMAIL, new_email=f"new.{EMAIL}", requested_at=NOW
    )
    factories.create_session(user)
    report = sync.error_report(raw_request=MARK, raw_response=MARK)
    client = shop.client(shop.key(scopes=["read", "decide", "pii"]))
    sync.send(client, "POST", "error_reports/", report)
    ErrorReport.objects.update(action_content_type="order", action_object_id=order.pk)


def texts() -> Iterator[tuple[str, str]]:
    """Every row of every table as text, with the name of the table."""
    for model in apps.get_models(include_auto_created=True):
        for row in model._default_manager.values():  # noqa: SLF001 - documented by Django
            yield model.__name__, json.dumps(row, default=str, ensure_ascii=False)


def tables_with(word: str) -> set[str]:
    return {table for table, text in texts() if word.lower() in text.lower()}


def sums() -> list[Any]:
    """What must stay: amounts, statuses, numbers and references."""
    orders = Order.objects.order_by("pk").values_list(
        "number", "amount_minor", "goods_minor", "status", "currency", "invoice_number"
    )
    items = OrderItem.objects.order_by("pk").values_list("sku", "goods_minor", "status")
    payments = Payment.objects.order_by("pk").values_list("kind", "reference", "captured_minor")
    cases = CancellationRequest.objects.order_by("pk").values_list("uuid", "status", "version")
    loyalty = LoyaltyAccount.objects.values_list("number", "balance_minor")
    old = OldOrder.objects.values_list("number", "amount_minor")
    return [list(rows) for rows in (orders, items, payments, cases, loyalty, old)]


# Places are shared by all addresses; their names came with the address of the test.
PLACES = {"Township", "District"}


def test_nothing_of_the_person_is_left(
    media: Path, django_capture_on_commit_callbacks: Any
) -> None:
    create_person(media)
    before = sums()
    assert tables_with(MARK) >= {
        *("User", "Address", "Order", "CancellationRequest", "CancellationRequestImage"),
        *("EasyReturn", "OldOrder", "LoyaltyAccount", "EmailChange"),
    }

    with django_capture_on_commit_callbacks(execute=True):
        erased = erase_person(f" {EMAIL.upper()} ", now=NOW)

    assert erased == Erased(accounts=2, orders=2, cases=1, images=1)
    assert tables_with(MARK) - PLACES == set()
    assert [path for path in media.rglob("*") if path.is_file()] == []
    assert sums() == before
    case = CancellationRequest.objects.get()
    assert (case.iban_encrypted, case.holder_name_encrypted, case.iban_index) == (None, None, None)
    assert (case.description, case.attributes) == (None, {})
    report = ErrorReport.objects.get()
    assert (report.raw_request_encrypted, report.raw_response_encrypted) == (None, None)
    assert Session.objects.count() == 0
    assert EmailChange.objects.count() == 0


def test_anonymous_rows_are_those_of_their_user(media: Path) -> None:
    user, (own, guest) = create_person(media)
    erase_person(EMAIL, now=NOW)
    user.refresh_from_db()
    own.refresh_from_db()
    guest.refresh_from_db()
    assert own.user_email == own.email_key == f"{user.username}@anonymized.invalid"
    assert guest.user_email == f"{guest.user.username}@anonymized.invalid"
    assert own.details == {"segment": "kept"}
    assert (user.is_active, user.first_name, user.has_usable_password()) == (False, "", False)
    assert LoyaltyAccount.objects.get().debit_allowed is False


def test_addresses_keep_country_and_city_only(media: Path) -> None:
    create_person(media)
    places = set(Address.objects.values_list("country", "city"))
    erase_person(EMAIL, now=NOW)
    rows = list(Address.objects.all())
    # A copy for each order, and the pickup; the rest of the book is deleted.
    assert len(rows) == 3
    assert set(Address.objects.values_list("country", "city")) == places
    for row in rows:
        assert (row.line, row.first_name, row.is_copy) == ("-", "", True)
        assert (row.township_id, row.district_id, row.hash_data) == (None, None, "")
        assert {name for name, place in row.place.items() if place} == {"country", "city"}


def test_documents_of_an_erased_order_are_complete(media: Path) -> None:
    _, (own, _) = create_person(media)
    erase_person(EMAIL, now=NOW)
    client = shop.client(shop.key(scopes=["read", "decide", "pii", "money"]))
    api = f"/api/v1/channel/{SHOP}"
    for path in (
        f"/orders/{own.pk}/",
        f"/order_items/?order={own.pk}",
        "/orders/updates/",
        "/cancellation_requests/",
        "/cancellation_requests/detailed/",
        "/customers/",
        "/addresses/",
    ):
        response = client.get(f"{api}{path}")
        assert response.status_code == 200, path
        assert MARK.lower() not in response.content.decode().lower(), path


def test_systems_that_follow_receive_orders_and_cases_once_more(media: Path) -> None:
    create_person(media)
    before = [
        list(model.objects.order_by("pk").values_list("modified_date", flat=True))
        for model in (Order, CancellationRequest)
    ]
    erase_person(EMAIL, now=NOW)
    after = [
        list(model.objects.order_by("pk").values_list("modified_date", flat=True))
        for model in (Order, CancellationRequest)
    ]
    for old, new in zip(before, after, strict=True):
        assert all(earlier < later for earlier, later in zip(old, new, strict=True))


def test_repetition_is_a_no_op(media: Path) -> None:
    create_person(media)
    erase_person(EMAIL, now=NOW)
    before = list(texts())
    assert erase_person(EMAIL, now=NOW) == Erased()
    assert list(texts()) == before


def test_other_persons_keep_everything(media: Path) -> None:
    other = factories.create_customer(email=OTHER)
    order = factories.create_order(number="9", customer=other)
    case = factories.create_case(item=factories.items_of(order)[0], description="mine")
    image = write_image(b"image", "jpg")
    factories.create_image(case=case, image=image.name)
    before = set(texts())
    create_person(media)
    erase_person(EMAIL, now=NOW)
    assert before - set(texts()) == set()
    assert (media / image.name).exists()


def test_file_that_another_case_shows_stays(
    media: Path, django_capture_on_commit_callbacks: Any
) -> None:
    create_person(media)
    shared = CancellationRequestImage.objects.get().image
    order = factories.create_order(number="9", guest=OTHER)
    case = factories.create_case(item=factories.items_of(order)[0])
    factories.create_image(case=case, image=shared)
    with django_capture_on_commit_callbacks(execute=True):
        assert erase_person(EMAIL, now=NOW).images == 0
    assert (media / shared).exists()


def test_failed_transaction_keeps_the_files(
    media: Path, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file is deleted only when no row can name it any more."""
    create_person(media)
    with django_capture_on_commit_callbacks(execute=False) as callbacks:
        erase_person(EMAIL, now=NOW)
    assert len(callbacks) == 1
    assert len([path for path in media.rglob("*") if path.is_file()]) == 1


def test_all_channels_are_searched() -> None:
    factories.create_order(number="1", guest=EMAIL)
    factories.create_order(number="1", guest=EMAIL, channel_id=2)
    factories.create_customer(email=EMAIL, channel_id=2)
    assert erase_person(EMAIL, now=NOW) == Erased(accounts=3, orders=2)


def test_orders_of_before_a_change_of_address_belong_to_the_person() -> None:
    user = factories.create_customer(email=EMAIL)
    order = factories.create_order(customer=user)
    User.objects.filter(pk=user.pk).update(email=OTHER, email_key=OTHER)
    second = factories.create_order(number="2", update={"user": user, "email_key": OTHER})
    assert erase_person(EMAIL, now=NOW) == Erased(accounts=1, orders=2)
    for row in (order, second):
        row.refresh_from_db()
        assert row.user_email == f"{user.username}@anonymized.invalid"


def test_staff_account_of_the_same_address_stays() -> None:
    user = member("ada")
    User.objects.filter(pk=user.pk).update(email=EMAIL, email_key=EMAIL)
    assert erase_person(EMAIL, now=NOW) == Erased()
    user.refresh_from_db()
    assert (user.email, user.is_active) == (EMAIL, True)
    assert StaffMember.objects.count() == 1


def refusal() -> tuple[str, str]:
    before = set(texts())
    with pytest.raises(Refused) as caught:
        erase_person(EMAIL, now=NOW)
    assert set(texts()) == before
    problem = caught.value.problem
    return problem.code, str(problem.message)


SENTENCE = (
    "This person still has open requests ({}) and refunds that are not final ({}). Complete, "
    "reject or withdraw the requests, wait for the refunds, then erase the person."
)


@pytest.mark.parametrize("status", LIVE)
def test_live_case_prevents_it(status: Status) -> None:
    order = factories.create_order(guest=EMAIL)
    factories.create_case(item=factories.items_of(order)[0], status=status.value)
    assert refusal() == ("person_in_use", SENTENCE.format(1, 0))


LIVE_REFUNDS: list[dict[str, Any]] = [
    *({"status": name} for name in ("planned", "sending", "in_doubt", "pending")),
    {"status": "failed", "attention": "refused"},
    {"status": "returned", "attention": "late_failure"},
]
FINAL_REFUNDS = [RefundStatus.CONFIRMED, RefundStatus.CANCELLED, RefundStatus.FAILED]


@pytest.mark.parametrize("values", LIVE_REFUNDS)
def test_refund_that_is_not_final_prevents_it(values: dict[str, Any]) -> None:
    order = factories.create_order(guest=EMAIL)
    create_refund(Payment.objects.select_related("order").get(order=order), None, **values)
    assert refusal() == ("person_in_use", SENTENCE.format(0, 1))


@pytest.mark.parametrize("status", FINAL_REFUNDS)
def test_final_refund_stays_as_it_is(status: RefundStatus) -> None:
    order = factories.create_order(guest=EMAIL)
    payment = Payment.objects.select_related("order").get(order=order)
    create_refund(payment, None, status=status.value)
    before = Refund.objects.values().get()
    assert erase_person(EMAIL, now=NOW).orders == 1
    assert Refund.objects.values().get() == before


def test_history_stays_with_its_messages(media: Path) -> None:
    """Staff must write no personal data into it: nobody can change it."""
    create_person(media)
    case = CancellationRequest.objects.get()
    CaseHistory.objects.create(
        cancellation_request=case, seq=1, event="open", after="waiting", message="kept", at=NOW
    )
    erase_person(EMAIL, now=NOW)
    assert CaseHistory.objects.get().message == "kept"


@pytest.mark.parametrize("notes", [None, "changed"])
def test_order_that_is_sent_again_does_not_bring_the_person_back(notes: str | None) -> None:
    sent = factories.order_input(
        customer=CustomerIn(email=EMAIL, first_name=MARK),
        shipping_address=factories.address_input(**ADDRESS),
        notes="first",
    )
    factories.create_channel()
    factories.ingest(sent)
    erase_person(EMAIL, now=NOW)
    [outcome] = factories.ingest(replace(sent, notes=notes or sent.notes))
    assert outcome.result == (REFUSED if notes else UNCHANGED)
    assert tables_with(MARK) - PLACES == set()


def test_empty_address_erases_no_guest() -> None:
    factories.create_order(update={"user_email": "", "email_key": ""})
    User.objects.update(email="", email_key="")
    before = set(texts())
    for email in ("", " "):
        assert erase_person(email, now=NOW) == Erased()
    assert set(texts()) == before
