"""Mails: their language, their content, and the data that they never contain."""

# ruff: noqa: RUF001 - mails have a multiplication sign
import re
from pathlib import Path
from typing import Any

import pytest
import zeal
from pytest_django import DjangoAssertNumQueries, Settings

from takeback.accounts.models import Channel
from takeback.cancellations.bank_account_links import case_of
from takeback.cancellations.commands import transition
from takeback.cancellations.commands.confirm_bank_account import confirm_bank_account
from takeback.cancellations.commands.edit import Edit, edit_case
from takeback.cancellations.commands.undo import undo
from takeback.cancellations.decision import Remarks
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.topics import Topic
from takeback.core.ids import CaseId
from takeback.handlers.mails import HANDLERS
from takeback.logistics.models import EasyReturn
from takeback.orders.order_input import PaymentIn
from takeback.outbox.models import Message
from tests import factories
from tests.notifications.factories import (
    GUEST,
    IBAN,
    OTHER_IBAN,
    SCOPE,
    STAFF,
    cancel,
    change_account,
    delivery_of,
    open_cases,
    order_with,
    reject,
    return_,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

MAILS = Path(__file__).parent / "mails"
LINK = re.compile(r"^http\S+/users/orders/bank_account/(\S+)/$", re.MULTILINE)
RTL_MARK, ISOLATE, END = "\u200f", "\u2068", "\u2069"
BREAKS = {"a\r\nBcc: b@x.example": "a Bcc: b@x.example", "a\u2028b\x1bc\x85d": "a b c d"}

every_language = pytest.mark.parametrize("language", ["en", "tr", "de", "ar"])


def deliver(case: Any, topic: str = Topic.OPENED, step: int = 1) -> None:
    """Deliver a message as the worker does."""
    HANDLERS[topic](delivery_of(case, topic, step))


def as_text(mail: Any) -> str:
    """Subject and body of a mail; the token, which depends on the key, is replaced."""
    return LINK.sub(
        lambda link: link[0].replace(link[1], "TOKEN"), f"{mail.subject}\n\n{mail.body}"
    )


def golden(name: str) -> str:
    """The expected text of a mail."""
    return (MAILS / f"{name}.txt").read_text()


@every_language
def test_received_mail_lists_all_cases_opened_together(language: str, mailoutbox: Any) -> None:
    order = order_with("Red shoe", "*Blue hat", "Not requested", language_code=language)
    cases = open_cases(order, cancel(iban=IBAN), return_(quantity=2))
    for case in cases:
        deliver(case)
    (mail,) = mailoutbox
    assert as_text(mail) == golden(f"received_{language}")
    assert mail.to == [factories.GUEST]
    assert mail.extra_headers["Content-Language"] == language


@every_language
def test_changed_account_is_confirmed_by_the_orders_mailbox(language: str, mailoutbox: Any) -> None:
    (case,) = open_cases(order_with("Red shoe", language_code=language), cancel(iban=OTHER_IBAN))
    change_account(case, IBAN)
    deliver(case, Topic.ACCOUNT_CHANGED, 2)
    (mail,) = mailoutbox
    assert as_text(mail) == golden(f"account_changed_{language}")
    assert mail.to == [factories.GUEST]
    (token,) = LINK.findall(mail.body)
    assert case_of(token) == case


@pytest.mark.parametrize("terms", [cancel(), cancel(iban=OTHER_IBAN)])
@pytest.mark.parametrize("is_trusted", [True, False])
def test_changed_account_emits_a_message(terms: dict[str, Any], *, is_trusted: bool) -> None:
    (case,) = open_cases(order_with("Red shoe"), terms)
    change_account(case, IBAN, is_trusted=is_trusted)
    messages = Message.objects.filter(topic=Topic.ACCOUNT_CHANGED)
    assert [message.payload for message in messages] == [
        {"cancellation_request": case.pk, "version": 2}
    ]


def test_changed_description_emits_no_account_message() -> None:
    (case,) = open_cases(order_with("Red shoe"), cancel(iban=IBAN))
    edit_case(CaseId(case.pk), SCOPE, Edit(description="a"), actor=STAFF, now=factories.NOW)
    assert not Message.objects.filter(topic=Topic.ACCOUNT_CHANGED).exists()


@pytest.mark.parametrize("is_closed", [True, False])
def test_confirmed_account_or_closed_case_needs_no_confirmation_mail(
    mailoutbox: Any, *, is_closed: bool
) -> None:
    (case,) = open_cases(order_with("Red shoe"), cancel())
    change_account(case, IBAN, is_trusted=not is_closed)
    if is_closed:
        reject(case)
    deliver(case, Topic.ACCOUNT_CHANGED, 2)
    assert mailoutbox == []


@every_language
def test_rejection_mail_contains_the_shops_message(language: str, mailoutbox: Any) -> None:
    (case,) = open_cases(order_with("Red shoe", language_code=language), cancel())
    reject(case, "Sorry.\r\nIt was \u202epacked.")
    deliver(case, Topic.REJECTED, 2)
    assert as_text(mailoutbox[0]) == golden(f"rejected_{language}")


def test_rejection_mail_without_a_message_has_no_heading_for_one(mailoutbox: Any) -> None:
    (case,) = open_cases(order_with("Red shoe"), cancel())
    reject(case)
    deliver(case, Topic.REJECTED, 2)
    assert "Message from the shop" not in mailoutbox[0].body


def approve(case: CancellationRequest, message: str | None = None) -> None:
    """Approve the case."""
    with zeal.zeal_ignore():
        transition.approve(
            CaseId(case.pk), SCOPE, actor=STAFF, now=factories.NOW, remarks=Remarks(message)
        )


@every_language
def test_approval_mail_has_the_amount_and_the_way_back(language: str, mailoutbox: Any) -> None:
    carrier = factories.create_carrier(carrier_label="Yurtiçi Kargo").pk
    order = order_with("*Blue hat", language_code=language)
    (case,) = open_cases(order, return_(quantity=2, carrier=carrier))
    EasyReturn.objects.update(code="ER-1")
    approve(case, "Please add the box.")
    deliver(case, Topic.APPROVED, 3)
    (mail,) = mailoutbox
    assert as_text(mail) == golden(f"approved_{language}")
    assert mail.to == [factories.GUEST]


@every_language
def test_approval_mail_links_an_account_that_is_not_confirmed(
    language: str, mailoutbox: Any
) -> None:
    (case,) = open_cases(order_with("Red shoe", language_code=language), cancel(iban=IBAN))
    approve(case)
    deliver(case, Topic.APPROVED, 3)
    assert as_text(mailoutbox[0]) == golden(f"approved_account_{language}")


DESTINATIONS: list[tuple[dict[str, Any], str]] = [
    (cancel(), "You receive it by the means with which you paid."),
    (cancel(refund_to_loyalty=True), "You receive it as loyalty points."),
]


@pytest.mark.parametrize(("terms", "sentence"), DESTINATIONS)
def test_approval_mail_names_the_way_of_the_money(
    terms: dict[str, Any], sentence: str, mailoutbox: Any
) -> None:
    (case,) = open_cases(order_with("Red shoe"), terms)
    approve(case)
    deliver(case, Topic.APPROVED, 3)
    assert sentence in mailoutbox[0].body


def test_approval_mail_of_a_cash_order_without_account_promises_nothing(
    settings: Settings, mailoutbox: Any
) -> None:
    cash = PaymentIn(kind="funds_transfer", amount_minor=1000, captured_minor=1000)
    settings.BANK_ACCOUNT_REQUIRED = False
    (case,) = open_cases(order_with("Red shoe", payments=[cash]), cancel())
    approve(case)
    deliver(case, Topic.APPROVED, 3)
    assert "The shop will contact you about how you receive it." in mailoutbox[0].body


def test_internal_note_is_never_mailed(mailoutbox: Any) -> None:
    (case,) = open_cases(order_with("Red shoe"), cancel())
    remarks = Remarks("Sorry.", "third fake claim")
    transition.reject(CaseId(case.pk), SCOPE, actor=STAFF, now=factories.NOW, remarks=remarks)
    deliver(case, Topic.REJECTED, 2)
    assert "Sorry." in mailoutbox[0].body
    assert "fake" not in mailoutbox[0].body


def test_undone_rejection_is_not_mailed(mailoutbox: Any) -> None:
    (case,) = open_cases(order_with("Red shoe"), cancel())
    with zeal.zeal_ignore():
        reject(case, "no")
        undo(CaseId(case.pk), SCOPE, actor=STAFF, now=factories.NOW)
    deliver(case, Topic.REJECTED, 2)
    assert mailoutbox == []


@pytest.mark.parametrize(
    ("language", "expected"),
    [("tr-tr", "tr"), ("DE-AT", "de"), ("fr", "en"), ("", "en"), ("undefined", "en")],
)
def test_mail_is_in_the_orders_language(language: str, expected: str, mailoutbox: Any) -> None:
    (case,) = open_cases(order_with("Red shoe", language_code=language), cancel())
    deliver(case)
    assert mailoutbox[0].extra_headers["Content-Language"] == expected


def test_mail_for_an_unsupported_language_is_in_the_sites_language(
    settings: Settings, mailoutbox: Any
) -> None:
    settings.LANGUAGE_CODE = "de"
    (case,) = open_cases(order_with("Red shoe", language_code="fr"), cancel())
    deliver(case)
    assert mailoutbox[0].subject.startswith("Wir haben")


def test_cases_of_another_time_or_order_have_their_own_mail(
    mailoutbox: Any,
) -> None:
    order, other = order_with("Red shoe", "Blue hat"), order_with("Green sock", number="999")
    early, late = open_cases(order, cancel(), cancel())
    (elsewhere,) = open_cases(other, cancel())
    type(late).objects.filter(pk=late.pk).update(created_date=factories.NOW.replace(minute=1))
    for case in (early, late, elsewhere):
        deliver(case)
    listed = [re.findall(r"^- (.*)$", mail.body, re.MULTILINE) for mail in mailoutbox]
    assert listed == [
        ["Cancellation: Red shoe × 1"],
        ["Cancellation: Blue hat × 1"],
        ["Cancellation: Green sock × 1"],
    ]


def test_mail_costs_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    first, _ = open_cases(order_with("Red shoe", "Blue hat"), cancel(), cancel())
    with django_assert_num_queries(1):
        deliver(first)


@pytest.mark.parametrize(("status", "is_under_review"), [("waiting", True), ("confirmed", False)])
def test_received_mail_mentions_the_review_while_it_lasts(
    status: str, is_under_review: bool, mailoutbox: Any
) -> None:
    (case,) = open_cases(order_with("Red shoe"), cancel())
    CancellationRequest.objects.update(status=status)

    deliver(case)

    (mail,) = mailoutbox
    assert ("The shop is reviewing it." in mail.body) is is_under_review
    assert "You can follow its status on your order page." in mail.body


def test_each_unconfirmed_account_has_one_link(mailoutbox: Any) -> None:
    order = order_with("Red shoe", "Blue hat", "Green sock")
    terms = [cancel(iban=IBAN), cancel(iban=OTHER_IBAN), cancel(iban=IBAN)]
    first, *_ = open_cases(order, *terms)
    deliver(first)
    assert len(LINK.findall(mailoutbox[0].body)) == 2
    confirm_bank_account(CaseId(first.pk), actor=GUEST, now=factories.NOW)
    deliver(first)
    assert len(LINK.findall(mailoutbox[1].body)) == 1
    assert "DE89 ••••" in mailoutbox[1].body


@pytest.mark.parametrize("terms", [cancel(), cancel(iban=IBAN)])
def test_only_a_guests_account_needs_confirmation(terms: dict[str, Any], mailoutbox: Any) -> None:
    actor = STAFF if terms["bank_account"] else GUEST
    (case,) = open_cases(order_with("Red shoe"), terms, actor=actor)
    deliver(case)
    assert "bank" not in mailoutbox[0].body


def test_mail_shows_the_account_masked_and_no_holder(mailoutbox: Any) -> None:
    (case,) = open_cases(order_with("Red shoe"), cancel(iban=IBAN))
    deliver(case)
    text = mailoutbox[0].message().as_string()
    assert IBAN[4:-4] not in text
    assert case.iban_index not in text
    assert not re.search("Kanarya|Ayla", text)


@pytest.mark.parametrize(("value", "shown"), BREAKS.items())
def test_value_never_adds_a_header_or_a_line(value: str, shown: str, mailoutbox: Any) -> None:
    order = order_with(value, update={"number": value})
    Channel.objects.filter(pk=order.channel_id).update(name=value)
    (case,) = open_cases(order, cancel())
    deliver(case)
    (mail,) = mailoutbox
    lines = mail.body.splitlines()
    assert mail.subject == f"We have received your request for order {shown}"
    assert lines[2] == f"We have received your request for order {shown}:"
    assert (lines[4], lines[-1]) == (f"- Cancellation: {shown} × 1", shown)
    assert set(mail.message().keys()) == {
        "Content-Type",
        "MIME-Version",
        "Content-Transfer-Encoding",
        "Subject",
        "From",
        "To",
        "Date",
        "Message-ID",
        "Content-Language",
        "Auto-Submitted",
    }


def test_value_never_changes_the_direction_of_its_line(mailoutbox: Any) -> None:
    names = ("حذاء أحمر", "\u202eRed\u2066 shoe")
    first, _ = open_cases(order_with(*names), cancel(), cancel())
    deliver(first)
    assert mailoutbox[0].body.splitlines()[4:6] == [
        f"- Cancellation: {ISOLATE}حذاء أحمر{END} × 1",
        "- Cancellation: Red shoe × 1",
    ]


def test_arabic_lines_are_marked_rtl_and_links_are_not(mailoutbox: Any) -> None:
    (case,) = open_cases(order_with("Red shoe", language_code="ar"), cancel(iban=IBAN))
    deliver(case)
    lines = [line for line in mailoutbox[0].body.splitlines() if line]
    assert {line[0] for line in lines if not LINK.match(line)} == {RTL_MARK}
    assert len([line for line in lines if LINK.match(line)]) == 1
    assert f"{ISOLATE}TR33 ••••{END}" in mailoutbox[0].body
