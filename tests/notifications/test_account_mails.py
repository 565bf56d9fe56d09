"""Mails about accounts, in every language."""

import re
from pathlib import Path
from typing import Any

import pytest

from takeback.accounts.models import User
from takeback.handlers.account_mails import HANDLERS
from takeback.outbox.models import Message
from takeback.outbox.worker import Delivery
from takeback.shoppers.commands import order_codes
from takeback.shoppers.commands.register import register
from takeback.shoppers.commands.sign_in_codes import request_code
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

MAILS = Path(__file__).parent / "mails"
TOKEN = re.compile(r"(account-confirm-email|hand-off|link)/[^/\s]+/")
CODE = re.compile(r"^[0-9]{6}$", re.MULTILINE)
EMAIL = "zeynep@example.com"

every_language = pytest.mark.parametrize("language", ["en", "tr", "de", "ar"])


def mail_text(mailoutbox: Any) -> str:
    """Deliver the only message; subject and body of its mail without token and code."""
    message = Message.objects.get()
    HANDLERS[message.topic](Delivery(message.key, message.payload))
    (mail,) = mailoutbox
    assert mail.to == [EMAIL]
    text = f"{mail.subject}\n\n{mail.body}"
    return CODE.sub("CODE", TOKEN.sub(r"\1/TOKEN/", text))


def golden(name: str) -> str:
    """The expected text of a mail."""
    return (MAILS / f"{name}.txt").read_text()


def new_registration(language: str) -> None:
    """A registration in this language."""
    factories.create_channel(name="Kanarya Shop")
    data = {
        "email": EMAIL,
        "password": "Long-Way-1907",
        "first_name": "Zeynep",
        "last_name": "Kanarya",
    }
    register(factories.SHOP, data, language=language, address="::1", now=factories.NOW)


@every_language
def test_confirmation_mail_names_who_registered(language: str, mailoutbox: Any) -> None:
    new_registration(language)
    assert mail_text(mailoutbox) == golden(f"confirm_registration_{language}")


@every_language
def test_mail_to_a_known_address_holds_no_token(language: str, mailoutbox: Any) -> None:
    factories.create_channel(name="Kanarya Shop")
    factories.create_customer(email=EMAIL)
    new_registration(language)
    assert mail_text(mailoutbox) == golden(f"account_exists_{language}")


@every_language
def test_code_mail_holds_a_code_and_a_link(language: str, mailoutbox: Any) -> None:
    factories.create_channel(name="Kanarya Shop")
    factories.create_customer(email=EMAIL)
    request_code(factories.SHOP, EMAIL, language=language, address="::1", now=factories.NOW)
    assert mail_text(mailoutbox) == golden(f"sign_in_code_{language}")


@every_language
def test_mail_of_an_order_holds_a_code_and_a_link(language: str, mailoutbox: Any) -> None:
    factories.create_channel(name="Kanarya Shop")
    factories.create_order(guest=EMAIL, number="S-100", language_code="")
    order_codes.request_code(
        factories.SHOP, "S-100", language=language, address="::1", now=factories.NOW
    )
    assert mail_text(mailoutbox) == golden(f"order_code_{language}")


def test_confirmed_registration_gets_no_second_mail(mailoutbox: Any) -> None:
    new_registration("en")
    message = Message.objects.get()
    User.objects.update(user_type=User.REGISTERED)
    HANDLERS[message.topic](Delivery(message.key, message.payload))
    assert mailoutbox == []
