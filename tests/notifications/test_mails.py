"""What mails say: in whose language, about what, and never more than they should."""

# ruff: noqa: RUF001 - mails have a multiplication sign
import re
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from takeback.accounts.models import Channel
from takeback.cancellations.bank_account_links import case_of
from takeback.cancellations.commands.confirm_bank_account import confirm_bank_account
from takeback.cancellations.commands.edit import Edit, edit_case
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.topics import Topic
from takeback.handlers.mails import HANDLERS
from takeback.outbox.models import Message
from tests import factories
from tests.notifications.factories import (
    GUEST,
    IBAN,
    OTHER_IBAN,
    SCOPE,
    STAFF,
    ask,
    cancel,
    correct,
    order_with,
    reject,
    send_back,
    told,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

MAILS = Path(__file__).parent / "mails"
LINK = re.compile(r"^http\S+/users/orders/bank_account/(\S+)/$", re.MULTILINE)
RTL_MARK, ISOLATE, END = "\u200f", "\u2068", "\u2069"
BREAKS = {"a\r\nBcc: b@x.example": "a Bcc: b@x.example", "a\u2028b\x1bc\x85d": "a b c d"}

every_language = pytest.mark.parametrize("language", ["en", "tr", "de", "ar"])


def deliver(case: Any, topic: str = Topic.OPENED, step: int = 1) -> None:
    """What the worker does."""
    HANDLERS[topic](told(case, topic, step))


def whole(mail: Any) -> str:
    """A mail as a page of text; the token is another one for every key."""
    return LINK.sub(
        lambda link: link[0].replace(link[1], "TOKEN"), f"{mail.subject}\n\n{mail.body}"
    )


def golden(name: str) -> str:
    """What a mail has to say."""
    return (MAILS / f"{name}.txt").read_text()


@every_language
def test_a_received_mail_says_all_that_was_asked_in_one_go(language: str, mailoutbox: Any) -> None:
    order = order_with("Red shoe", "*Blue hat", "Not asked", language_code=language)
    cases = ask(order, cancel(iban=IBAN), send_back(quantity=2))
    for case in cases:
        deliver(case)
    (mail,) = mailoutbox
    assert whole(mail) == golden(f"received_{language}")
    assert mail.to == [factories.GUEST]
    assert mail.extra_headers["Content-Language"] == language


@every_language
def test_whoever_reads_the_orders_mailbox_is_asked_about_a_corrected_account(
    language: str, mailoutbox: Any
) -> None:
    (case,) = ask(order_with("Red shoe", language_code=language), cancel(iban=OTHER_IBAN))
    correct(case, IBAN)
    deliver(case, Topic.ACCOUNT_CHANGED, 2)
    (mail,) = mailoutbox
    assert whole(mail) == golden(f"account_changed_{language}")
    assert mail.to == [factories.GUEST]
    (token,) = LINK.findall(mail.body)
    assert case_of(token) == case


@pytest.mark.parametrize("wish", [cancel(), cancel(iban=OTHER_IBAN)])
@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_corrected_account_has_its_message(wish: dict[str, Any], *, is_trusted: bool) -> None:
    (case,) = ask(order_with("Red shoe"), wish)
    correct(case, IBAN, is_trusted=is_trusted)
    found = Message.objects.filter(topic=Topic.ACCOUNT_CHANGED)
    assert [message.payload for message in found] == [{"cancellation_request": case.pk}]


def test_words_that_are_corrected_ask_for_no_account() -> None:
    (case,) = ask(order_with("Red shoe"), cancel(iban=IBAN))
    edit_case(case.pk, SCOPE, Edit(description="a"), actor=STAFF, now=factories.NOW)
    assert not Message.objects.filter(topic=Topic.ACCOUNT_CHANGED).exists()


@pytest.mark.parametrize("is_over", [True, False])
def test_nobody_is_asked_about_an_account_that_is_right_or_of_a_case_that_is_over(
    mailoutbox: Any, *, is_over: bool
) -> None:
    (case,) = ask(order_with("Red shoe"), cancel())
    correct(case, IBAN, is_trusted=not is_over)
    if is_over:
        reject(case)
    deliver(case, Topic.ACCOUNT_CHANGED, 2)
    assert mailoutbox == []


@every_language
def test_a_rejected_mail_gives_the_shops_note(language: str, mailoutbox: Any) -> None:
    (case,) = ask(order_with("Red shoe", language_code=language), cancel())
    reject(case, "Sorry.\r\nIt was \u202epacked.")
    deliver(case, Topic.REJECTED, 2)
    assert whole(mailoutbox[0]) == golden(f"rejected_{language}")


def test_a_rejected_mail_without_a_note_has_no_place_for_one(mailoutbox: Any) -> None:
    (case,) = ask(order_with("Red shoe"), cancel())
    reject(case)
    deliver(case, Topic.REJECTED, 2)
    assert "note" not in mailoutbox[0].body


@pytest.mark.parametrize(
    ("told", "spoken"),
    [("tr-tr", "tr"), ("DE-AT", "de"), ("fr", "en"), ("", "en"), ("undefined", "en")],
)
def test_a_mail_speaks_the_orders_language(told: str, spoken: str, mailoutbox: Any) -> None:
    (case,) = ask(order_with("Red shoe", language_code=told), cancel())
    deliver(case)
    assert mailoutbox[0].extra_headers["Content-Language"] == spoken


def test_a_mail_speaks_the_sites_language_when_it_has_no_other(
    settings: Settings, mailoutbox: Any
) -> None:
    settings.LANGUAGE_CODE = "de"
    (case,) = ask(order_with("Red shoe", language_code="fr"), cancel())
    deliver(case)
    assert mailoutbox[0].subject.startswith("Wir haben")


def test_what_was_asked_at_another_time_or_of_another_order_has_its_own_mail(
    mailoutbox: Any,
) -> None:
    order, other = order_with("Red shoe", "Blue hat"), order_with("Green sock", number="999")
    early, late = ask(order, cancel(), cancel())
    (elsewhere,) = ask(other, cancel())
    type(late).objects.filter(pk=late.pk).update(created_date=factories.NOW.replace(minute=1))
    for case in (early, late, elsewhere):
        deliver(case)
    said = [re.findall(r"^- (.*)$", mail.body, re.MULTILINE) for mail in mailoutbox]
    assert said == [
        ["Cancellation: Red shoe × 1"],
        ["Cancellation: Blue hat × 1"],
        ["Cancellation: Green sock × 1"],
    ]


def test_a_mail_costs_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    first, _ = ask(order_with("Red shoe", "Blue hat"), cancel(), cancel())
    with django_assert_num_queries(1):
        deliver(first)


@pytest.mark.parametrize(("status", "is_checked"), [("waiting", True), ("confirmed", False)])
def test_a_mail_says_that_the_shop_looks_at_it_while_it_does(
    status: str, is_checked: bool, mailoutbox: Any
) -> None:
    (case,) = ask(order_with("Red shoe"), cancel())
    CancellationRequest.objects.update(status=status)

    deliver(case)

    (mail,) = mailoutbox
    assert ("The shop checks it now." in mail.body) is is_checked
    assert "ou can follow it where you see your order." in mail.body


def test_each_account_that_waits_has_one_link(mailoutbox: Any) -> None:
    order = order_with("Red shoe", "Blue hat", "Green sock")
    wishes = [cancel(iban=IBAN), cancel(iban=OTHER_IBAN), cancel(iban=IBAN)]
    first, *_ = ask(order, *wishes)
    deliver(first)
    assert len(LINK.findall(mailoutbox[0].body)) == 2
    confirm_bank_account(first.pk, actor=GUEST, now=factories.NOW)
    deliver(first)
    assert len(LINK.findall(mailoutbox[1].body)) == 1
    assert "DE89 •••• 3000" in mailoutbox[1].body


@pytest.mark.parametrize("wish", [cancel(), cancel(iban=IBAN)])
def test_only_a_guests_account_waits_for_a_link(wish: dict[str, Any], mailoutbox: Any) -> None:
    actor = STAFF if wish["bank_account"] else GUEST
    (case,) = ask(order_with("Red shoe"), wish, actor=actor)
    deliver(case)
    assert "bank" not in mailoutbox[0].body


def test_an_account_is_shown_masked_and_its_holder_never(mailoutbox: Any) -> None:
    (case,) = ask(order_with("Red shoe"), cancel(iban=IBAN))
    deliver(case)
    said = mailoutbox[0].message().as_string()
    assert IBAN[4:-4] not in said
    assert case.iban_index not in said
    assert not re.search("Kanarya|Ayla", said)


@pytest.mark.parametrize(("told", "shown"), BREAKS.items())
def test_no_value_adds_a_header_or_a_line(told: str, shown: str, mailoutbox: Any) -> None:
    order = order_with(told, update={"number": told})
    Channel.objects.filter(pk=order.channel_id).update(name=told)
    (case,) = ask(order, cancel())
    deliver(case)
    (mail,) = mailoutbox
    lines = mail.body.splitlines()
    assert mail.subject == f"We have received your request for order {shown}"
    assert lines[2] == f"we have received your request for order {shown}:"
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


def test_a_value_never_turns_the_direction_of_its_line(mailoutbox: Any) -> None:
    names = ("حذاء أحمر", "\u202eRed\u2066 shoe")
    first, _ = ask(order_with(*names), cancel(), cancel())
    deliver(first)
    assert mailoutbox[0].body.splitlines()[4:6] == [
        f"- Cancellation: {ISOLATE}حذاء أحمر{END} × 1",
        "- Cancellation: Red shoe × 1",
    ]


def test_arabic_lines_run_from_the_right_and_links_stay_bare(mailoutbox: Any) -> None:
    (case,) = ask(order_with("Red shoe", language_code="ar"), cancel(iban=IBAN))
    deliver(case)
    lines = [line for line in mailoutbox[0].body.splitlines() if line]
    assert {line[0] for line in lines if not LINK.match(line)} == {RTL_MARK}
    assert len([line for line in lines if LINK.match(line)]) == 1
    assert f"{ISOLATE}TR33 •••• 1326{END}" in mailoutbox[0].body
