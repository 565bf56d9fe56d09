"""The page of the mailed link: only the last four characters of the account confirm it."""

# ruff: noqa: RUF001 - Turkish has a dotless i
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.urls import resolve

from takeback.accounts.models import Channel
from takeback.cancellations.bank_account_links import PATH, token_of
from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.storefront.bank_account_views import BankAccountPage
from tests import factories
from tests.factories import HttpClient
from tests.notifications.factories import IBAN, cancel, open_cases, order_with

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

HTML = "text/html; charset=utf-8"


@pytest.fixture
def case() -> CancellationRequest:
    """A guest's case with a bank account."""
    return open_cases(order_with("Red shoe"), cancel(iban=IBAN))[0]


def path_of(case: CancellationRequest) -> str:
    """The path of the mailed link."""
    return f"{PATH}{token_of(case)}/"


def confirm(path: str, last_four: str = "1326", client: HttpClient | None = None) -> Any:
    """Fill in the form and press the button."""
    return (client or HttpClient()).post(path, {"last_four": last_four})


def is_confirmed(case: CancellationRequest) -> bool:
    """Whether the bank account is confirmed."""
    case.refresh_from_db()
    return case.is_bank_account_confirmed


def test_page_shows_the_masked_bank_account(case: CancellationRequest) -> None:
    response: Any = HttpClient().get(path_of(case))
    page = response.content.decode()
    assert (response.status_code, response.headers["Content-Type"]) == (200, HTML)
    assert '<code dir="ltr">TR33 ••••</code>' in page
    assert "1326" not in page
    assert factories.NUMBER in page
    assert IBAN[4:-4] not in page
    assert not [word for word in ("Kanarya", "Ayla", factories.GUEST) if word in page]


def test_page_runs_no_script_and_posts_to_our_host_only(case: CancellationRequest) -> None:
    response = HttpClient().get(path_of(case))
    assert set(response.headers["Content-Security-Policy"].split("; ")) == {
        "default-src 'none'",
        "frame-ancestors 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
    }
    page = response.content.decode()
    assert not [sign for sign in ("<style", "<script", " style=", " onclick=") if sign in page]
    assert response.headers["Referrer-Policy"] == "no-referrer"


def test_last_four_characters_confirm_the_bank_account(case: CancellationRequest) -> None:
    path = path_of(case)
    response = confirm(path)
    assert (response.status_code, response.headers["Location"]) == (303, path)
    assert is_confirmed(case)
    for _reload in range(2):
        page = HttpClient().get(path)
        assert (page.status_code, "Thank you." in page.content.decode()) == (200, True)
    again = confirm(path, "0000")
    assert (again.status_code, "Thank you." in again.content.decode()) == (200, True)
    step = CaseHistory.objects.get(event="confirm_account")
    assert (step.seq, step.actor_kind, step.at) == (2, "guest", factories.NOW)


def test_button_works_with_a_session(case: CancellationRequest) -> None:
    client = factories.client_of(factories.create_customer())
    client.handler = type(client.handler)(enforce_csrf_checks=True)
    assert confirm(path_of(case), client=client).status_code == 303
    assert is_confirmed(case)


@pytest.mark.parametrize("typed", ["1326", " 13 26 ", "13-26", "１３２６", "١٣٢٦"])
def test_entry_may_have_spaces_and_other_digits(case: CancellationRequest, typed: str) -> None:
    assert confirm(path_of(case), typed).status_code == 303
    assert is_confirmed(case)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"last_four": ""},
        {"last_four": "  "},
        {"last_four": "1" * 10_000},
        {"last_four": "13\x0026"},
        {"other": "1326"},
    ],
)
def test_button_without_characters_confirms_nothing(
    case: CancellationRequest, body: dict[str, str]
) -> None:
    path = path_of(case)
    for _press in range(7):
        response = HttpClient().post(path, body)
        assert response.status_code == 400
        assert "Is this your bank account?" in response.content.decode()
    assert not is_confirmed(case)
    assert confirm(path).status_code == 303


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "text/plain",
        "multipart/form-data",
        "application/x-www-form-urlencoded; charset=latin-1",
    ],
)
def test_body_of_another_type_confirms_nothing(
    case: CancellationRequest, content_type: str
) -> None:
    response = HttpClient().post(path_of(case), b'{"last_four": "1326"}', content_type=content_type)
    assert response.status_code == 400
    assert not is_confirmed(case)


def test_five_wrong_entries_end_the_link(case: CancellationRequest) -> None:
    path = path_of(case)
    for tries_left in (4, 3, 2, 1):
        response = confirm(path, "1327")
        page = response.content.decode()
        assert response.status_code == 400
        assert f"You have {tries_left} " in page
        assert "<title>Error: Bank account for a refund" in page
        assert HttpClient().get(path).status_code == 200
    last = confirm(path, "1327")
    assert (last.status_code, "Too many wrong entries" in last.content.decode()) == (403, True)
    assert [HttpClient().get(path).status_code, confirm(path).status_code] == [404, 404]
    assert not is_confirmed(case)
    assert case.version == 1


def test_new_mail_brings_new_tries(case: CancellationRequest) -> None:
    for _entry in range(5):
        confirm(path_of(case), "1327")
    with time_machine.travel(factories.NOW + timedelta(seconds=1), tick=False):
        path = path_of(case)
        assert confirm(path).status_code == 303
    assert is_confirmed(case)


def test_page_names_the_shop_of_the_case(case: CancellationRequest) -> None:
    Channel.objects.filter(pk=case.channel_id).update(name="Ayla & Sons")
    page = HttpClient().get(path_of(case)).content.decode()
    assert "<bdi>Ayla &amp; Sons</bdi>" in page
    assert "<title>Bank account for a refund · Ayla &amp; Sons</title>" in page


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"])
def test_other_methods_change_nothing(case: CancellationRequest, method: str) -> None:
    for _ in range(2):
        HttpClient().generic(method, path_of(case), headers={"Purpose": "prefetch"})
    assert not is_confirmed(case)
    assert case.version == 1


def changed(case: CancellationRequest) -> str:
    """A link to a case whose bank account was changed since."""
    path = path_of(case)
    CancellationRequest.objects.filter(pk=case.pk).update(iban_index="another")
    return path


def expired(case: CancellationRequest) -> str:
    """An expired link."""
    with time_machine.travel(factories.NOW - timedelta(days=14, seconds=1), tick=False):
        return path_of(case)


def test_all_invalid_links_get_the_same_page(case: CancellationRequest) -> None:
    others = [open_cases(order_with("A", number=str(n)), cancel(iban=IBAN))[0] for n in range(1)]
    dead = [
        f"{PATH}1/",
        f"{PATH}{case.pk + 1000}.1w0000.{'a' * 43}/",
        path_of(case)[:-2] + "/",
        expired(case),
        changed(others[0]),
    ]
    client = HttpClient()
    responses = [method(path) for path in dead for method in (client.get, confirm)]
    assert {response.status_code for response in responses} == {404}
    assert len({response.content for response in responses}) == 1
    assert len({str(sorted(_headers(response).items())) for response in responses}) == 1
    assert "This link has expired or was already used." in responses[0].content.decode()
    assert not is_confirmed(case)


def _headers(response: Any) -> dict[str, str]:
    """The headers without the request id."""
    return {name: value for name, value in response.headers.items() if name != "X-Request-Id"}


@pytest.mark.parametrize(
    ("language", "direction", "title"),
    [
        ("tr", "ltr", "Bu sizin banka hesabınız mı?"),
        ("en", "ltr", "Is this your bank account?"),
        ("de", "ltr", "Ist das Ihr Bankkonto?"),
        ("ar", "rtl", "هل هذا حسابك البنكي؟"),
    ],
)
def test_page_is_in_the_language_of_the_request(
    case: CancellationRequest, language: str, direction: str, title: str
) -> None:
    response = HttpClient().get(path_of(case), headers={"Accept-Language": language})
    page = response.content.decode()
    assert f'<html lang="{language}" dir="{direction}">' in page
    assert f"<h1>{title}</h1>" in page


@pytest.mark.parametrize("path", [f"{PATH}1.a.b/", f"{PATH}1.a.b"])
def test_mailed_path_resolves_to_the_page(path: str) -> None:
    assert resolve(path).func.cls is BankAccountPage  # type: ignore[attr-defined]  # DRF's own
