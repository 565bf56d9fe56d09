"""Sending mails: replies of the server, and data that never reaches logs."""

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
from takeback.notifications.send import AddressRefused, MailRefused, message_id, send
from takeback.outbox.worker import PermanentFailure
from tests import factories
from tests.notifications.factories import IBAN, cancel, delivery_of, open_cases, order_with, reject
from tests.rigs.mailing import mail_server

MAIL = Mail("tr", "jane@example.com", "Talebiniz ığüşöç", "Merhaba,\n.\nson\n")
KEY = "cancellation_request.opened:cancellation_request/12/1"
SMTP = "django.core.mail.backends.smtp.EmailBackend"
FILES = "django.core.mail.backends.filebased.EmailBackend"


@pytest.fixture
def smtp(settings: Settings) -> Settings:
    """Mails are sent over SMTP."""
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = SMTP, "127.0.0.1"
    return settings


def test_mail_arrives_unchanged(smtp: Settings) -> None:
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


@pytest.mark.parametrize(
    ("sender", "shop", "shown"),
    [
        ("returns@shop.example", "Ayla & Sons", "Ayla & Sons"),
        ("returns@shop.example", 'Çiçek, "Ltd" <x@y>', 'Çiçek, "Ltd" <x@y>'),
        ("returns@shop.example", "", ""),
        ("Returns <returns@shop.example>", "Ayla", "Returns"),
    ],
)
def test_sender_has_the_name_of_the_shop(
    smtp: Settings, sender: str, shop: str, shown: str
) -> None:
    with mail_server() as server:
        smtp.EMAIL_PORT = server.port
        smtp.DEFAULT_FROM_EMAIL = sender
        send(MAIL._replace(shop=shop), KEY)
    (mail,) = server.accepted
    (address,) = mail["From"].addresses
    assert (address.addr_spec, address.display_name) == ("returns@shop.example", shown)


def test_repeated_mail_has_the_same_message_id(smtp: Settings) -> None:
    with mail_server() as server:
        smtp.EMAIL_PORT = server.port
        for key in (KEY, KEY, KEY + "0"):
            send(MAIL, key)
    first, again, other = [mail["Message-ID"] for mail in server.accepted]
    assert first == again == message_id(KEY) != other
    assert re.fullmatch(r"<[0-9a-f-]{36}@127\.0\.0\.1>", first)


def test_message_id_depends_on_the_installation(settings: Settings) -> None:
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
def test_only_a_permanent_refusal_is_a_permanent_failure(
    smtp: Settings, replies: dict[str, bytes], error: type[Exception]
) -> None:
    with mail_server(**replies) as server:
        smtp.EMAIL_PORT = server.port
        with pytest.raises(error) as raised:
            send(MAIL, KEY)
    assert type(raised.value) is error
    assert isinstance(raised.value, PermanentFailure) is (error in {AddressRefused, MailRefused})


def test_permanent_refusal_does_not_contain_the_address(smtp: Settings) -> None:
    with mail_server(RCPT=b"550 <jane@example.com> unknown") as server:
        smtp.EMAIL_PORT = server.port
        with pytest.raises(AddressRefused) as raised:
            send(MAIL, KEY)
    assert (str(raised.value), raised.value.__cause__) == ("", None)
    assert raised.value.__suppress_context__


def test_unreachable_server_is_a_temporary_failure(smtp: Settings) -> None:
    with mail_server() as server:
        smtp.EMAIL_PORT = server.port
    with pytest.raises(ConnectionRefusedError):
        send(MAIL, KEY)


def test_silent_server_times_out(smtp: Settings) -> None:
    assert smtp.EMAIL_TIMEOUT == 10
    smtp.EMAIL_TIMEOUT = 0.05
    with socket.create_server(("127.0.0.1", 0)) as silent:
        smtp.EMAIL_PORT = silent.getsockname()[1]
        with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
            send(MAIL, KEY)


@pytest.mark.parametrize(
    "recipient",
    ["", "jane", "a@x.example\r\nBcc: b@y.example", "a@x.example, b@y.example", "<a@x.example>"],
)
def test_invalid_address_is_refused_before_sending(recipient: str, mailoutbox: list[Any]) -> None:
    with pytest.raises(AddressRefused):
        send(MAIL._replace(recipient=recipient), KEY)
    assert mailoutbox == []


def test_subject_with_a_line_break_is_never_sent(mailoutbox: list[Any]) -> None:
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


@pytest.mark.parametrize(("url", "expected"), SERVERS.items())
def test_mail_server_is_configured_by_a_url(
    url: str, expected: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(env, "DECLARED", {})
    monkeypatch.setenv("MAIL_URL", url)
    parsed = env.env_mail_server("MAIL_URL", "", "A sentence.")
    names = ("HOST", "PORT", "HOST_USER", "HOST_PASSWORD")
    flags = ("USE_TLS", "USE_SSL")
    assert bool(parsed) is bool(expected)
    if parsed:
        assert parsed["EMAIL_BACKEND"] == SMTP
        assert tuple(parsed[f"EMAIL_{name}"] for name in names) == expected[:4]
        assert tuple(parsed.get(f"EMAIL_{name}", False) for name in flags) == expected[4:]


@pytest.fixture
def files(settings: Settings, tmp_path: Path) -> Path:
    """Mails are written into a folder, as without a mail server."""
    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH = FILES, tmp_path / "mails"
    return tmp_path / "mails"


def test_folder_of_mails_belongs_to_the_services_user_only() -> None:
    folder = Path(live.EMAIL_FILE_PATH)
    assert folder == live.DATA_DIR / "mails"
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.fixture
def log_lines() -> Iterator[list[str]]:
    """Every line of the log, of any level."""
    lines: list[str] = []

    class Recorder(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    recorder, root = Recorder(), logging.getLogger()
    before = root.level
    root.addHandler(recorder)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(recorder)
    root.setLevel(before)


@pytest.mark.django_db
@pytest.mark.usefixtures("frozen_now")
def test_log_message_and_file_name_contain_no_personal_data(
    files: Path, log_lines: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    order = order_with("Red shoe", guest="kanarya@example.com")
    (case,) = open_cases(order, cancel(iban=IBAN))
    messages = [delivery_of(case, Topic.OPENED), delivery_of(case, Topic.REJECTED, 2)]
    send_received_mail(messages[0])
    reject(case, "Kanarya")
    HANDLERS[Topic.REJECTED](messages[1])
    names = [path.name for path in files.iterdir()]
    # Django names a file after time and memory address, so both mails may be in one file.
    assert sum(path.read_text().count("Subject: ") for path in files.iterdir()) == 2
    public = " ".join([*log_lines, *names, *map(repr, messages), *capfd.readouterr()])
    secrets = ["kanarya", "ayla", IBAN.lower(), IBAN[4:-4], str(case.iban_index), factories.NUMBER]
    assert [secret for secret in secrets if secret in public.lower()] == []
    assert "kanarya@example.com" in "".join(path.read_text() for path in files.iterdir())
