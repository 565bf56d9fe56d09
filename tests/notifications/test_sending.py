"""Mails on their way: what a server may answer, and what is never told to anybody else."""

import logging
import re
import smtplib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as live
from pytest_django import Settings

from takeback.cancellations.topics import Topic
from takeback.core import env
from takeback.handlers.mails import HANDLERS, send_received_mail
from takeback.notifications.mails import Mail
from takeback.notifications.sending import AddressRefused, MailRefused, message_id, send
from takeback.outbox.worker import PermanentFailure
from tests import factories
from tests.notifications.factories import IBAN, ask, cancel, order_with, reject, told
from tests.rigs.mailing import mail_server

MAIL = Mail("tr", "jane@example.com", "Talebiniz ığüşöç", "Merhaba,\n.\nson\n")
KEY = "cancellation_request.opened:cancellation_request/12/1"
SMTP = "django.core.mail.backends.smtp.EmailBackend"
FILES = "django.core.mail.backends.filebased.EmailBackend"


@pytest.fixture
def smtp(settings: Settings) -> Settings:
    """Mails leave over the network."""
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = SMTP, "127.0.0.1"
    return settings


def test_a_mail_arrives_as_it_was_written(smtp: Settings) -> None:
    with mail_server() as server:
        smtp.EMAIL_PORT = server.port
        smtp.DEFAULT_FROM_EMAIL = "Our shop <returns@shop.example>"
        send(MAIL, KEY)
    (mail,) = server.accepted
    assert mail["Subject"] == MAIL.subject
    assert mail.get_content() == MAIL.body.replace("\n", "\r\n")
    assert (mail["From"], mail["To"]) == ("Our shop <returns@shop.example>", MAIL.recipient)
    assert (mail["Content-Language"], mail["Auto-Submitted"]) == ("tr", "auto-generated")
    assert mail.get_content_type() == "text/plain"


def test_a_mail_that_comes_twice_is_known_by_its_name(smtp: Settings) -> None:
    with mail_server() as server:
        smtp.EMAIL_PORT = server.port
        for key in (KEY, KEY, KEY + "0"):
            send(MAIL, key)
    first, again, other = [mail["Message-ID"] for mail in server.accepted]
    assert first == again == message_id(KEY) != other
    assert re.fullmatch(r"<[0-9a-f-]{36}@127\.0\.0\.1>", first)


def test_another_installation_names_its_mails_otherwise(settings: Settings) -> None:
    ours = message_id(KEY)
    settings.SITE_URL = "https://returns.shop.example"
    assert message_id(KEY) != ours
    assert message_id(KEY).endswith("@returns.shop.example>")


REFUSALS: list[tuple[dict[str, bytes], type[Exception]]] = [
    ({"RCPT": b"550 no such mailbox"}, AddressRefused),
    ({"RCPT": b"450 busy, come again"}, smtplib.SMTPRecipientsRefused),
    ({"DATA": b"554 not here"}, MailRefused),
    ({"END": b"552 too large"}, MailRefused),
    ({"END": b"451 disk full"}, smtplib.SMTPDataError),
    ({"MAIL": b"550 not from you"}, smtplib.SMTPSenderRefused),
    ({"RCPT": b""}, smtplib.SMTPServerDisconnected),
    ({"EHLO": b"", "HELO": b""}, smtplib.SMTPServerDisconnected),
]


@pytest.mark.parametrize(("replies", "error"), REFUSALS)
def test_only_a_refusal_for_good_is_hopeless(
    smtp: Settings, replies: dict[str, bytes], error: type[Exception]
) -> None:
    with mail_server(**replies) as server:
        smtp.EMAIL_PORT = server.port
        with pytest.raises(error) as raised:
            send(MAIL, KEY)
    assert type(raised.value) is error
    assert isinstance(raised.value, PermanentFailure) is (error in {AddressRefused, MailRefused})


def test_a_refusal_for_good_does_not_repeat_the_address(smtp: Settings) -> None:
    with mail_server(RCPT=b"550 <jane@example.com> unknown") as server:
        smtp.EMAIL_PORT = server.port
        with pytest.raises(AddressRefused) as raised:
            send(MAIL, KEY)
    assert (str(raised.value), raised.value.__cause__) == ("", None)
    assert raised.value.__suppress_context__


def test_a_server_that_is_not_there_is_tried_again(smtp: Settings) -> None:
    with mail_server() as server:
        smtp.EMAIL_PORT = server.port
    with pytest.raises(ConnectionRefusedError):
        send(MAIL, KEY)


def test_a_server_that_says_nothing_is_not_waited_for_long(smtp: Settings) -> None:
    assert smtp.EMAIL_TIMEOUT == 10
    smtp.EMAIL_TIMEOUT = 0.05
    with socket.create_server(("127.0.0.1", 0)) as silent:
        smtp.EMAIL_PORT = silent.getsockname()[1]
        with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
            send(MAIL, KEY)


@pytest.mark.parametrize(
    "recipient",
    ["", "nobody", "a@x.example\r\nBcc: b@y.example", "a@x.example, b@y.example", "<a@x.example>"],
)
def test_what_is_no_address_is_hopeless_before_anything_is_sent(
    recipient: str, mailoutbox: list[Any]
) -> None:
    with pytest.raises(AddressRefused):
        send(MAIL._replace(recipient=recipient), KEY)
    assert mailoutbox == []


def test_a_header_of_two_lines_is_never_sent(mailoutbox: list[Any]) -> None:
    with pytest.raises(ValueError, match="newlines"):
        send(MAIL._replace(subject="a\nBcc: b@y.example"), KEY)
    assert mailoutbox == []


SERVERS = {
    "": {},
    "smtp://relay.example:2525": ("relay.example", 2525, None, None, False, False),
    "smtps://a%40b:p%2Fq@mail.example:465": ("mail.example", 465, "a@b", "p/q", False, True),
    "smtp+tls://u:p@mail.example:587": ("mail.example", 587, "u", "p", True, False),
    "smtps://mail.example": ("mail.example", None, None, None, False, True),
}


@pytest.mark.parametrize(("url", "meant"), SERVERS.items())
def test_a_mail_server_is_named_by_an_address(
    url: str, meant: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(env, "DECLARED", {})
    monkeypatch.setenv("MAIL_URL", url)
    found = env.env_mail_server("MAIL_URL", "", "A sentence.")
    names = ("HOST", "PORT", "HOST_USER", "HOST_PASSWORD")
    switches = ("USE_TLS", "USE_SSL")
    assert bool(found) is bool(meant)
    if found:
        assert found["EMAIL_BACKEND"] == SMTP
        assert tuple(found[f"EMAIL_{name}"] for name in names) == meant[:4]
        assert tuple(found.get(f"EMAIL_{name}", False) for name in switches) == meant[4:]


@pytest.fixture
def files(settings: Settings, tmp_path: Path) -> Path:
    """Mails are written into a folder, as where no server is named."""
    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH = FILES, tmp_path / "mails"
    return tmp_path / "mails"


def test_written_mails_are_for_the_services_own_user() -> None:
    folder = Path(live.EMAIL_FILE_PATH)
    assert folder == live.DATA_DIR / "mails"
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """All that is logged, however low its level."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(self.format(record))

    listener, root = Listener(), logging.getLogger()
    before = root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    yield said
    root.removeHandler(listener)
    root.setLevel(before)


@pytest.mark.django_db
@pytest.mark.usefixtures("frozen_now")
def test_neither_log_nor_message_nor_file_name_tells_who_it_is(
    files: Path, heard: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    order = order_with("Red shoe", guest="kanarya@example.com")
    (case,) = ask(order, cancel(iban=IBAN))
    messages = [told(case, Topic.OPENED), told(case, Topic.REJECTED, 2)]
    send_received_mail(messages[0])
    reject(case, "Kanarya")
    HANDLERS[Topic.REJECTED](messages[1])
    names = [path.name for path in files.iterdir()]
    assert len(names) == 2
    public = " ".join([*heard, *names, *map(repr, messages), *capfd.readouterr()])
    secrets = ["kanarya", "ayla", IBAN.lower(), IBAN[4:-4], str(case.iban_index), factories.NUMBER]
    assert [secret for secret in secrets if secret in public.lower()] == []
    assert "kanarya@example.com" in "".join(path.read_text() for path in files.iterdir())
