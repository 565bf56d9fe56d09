"""The page of the mailed link: GET changes nothing, POST confirms the bank account once."""

# ruff: noqa: RUF001 - Turkish has a dotless i
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.urls import resolve

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


def is_confirmed(case: CancellationRequest) -> bool:
    """Whether the bank account is confirmed."""
    case.refresh_from_db()
    return case.is_bank_account_confirmed


def test_page_shows_the_masked_bank_account(case: CancellationRequest) -> None:
    response: Any = HttpClient().get(path_of(case))
    page = response.content.decode()
    assert (response.status_code, response.headers["Content-Type"]) == (200, HTML)
    assert "TR33 •••• 1326" in page
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


def test_button_confirms_the_bank_account(case: CancellationRequest) -> None:
    response = HttpClient().post(path_of(case))
    assert response.status_code == 200
    assert "The bank account is confirmed." in response.content.decode()
    assert is_confirmed(case)
    step = CaseHistory.objects.get(event="confirm_account")
    assert (step.seq, step.actor_kind, step.at) == (2, "guest", factories.NOW)


def test_button_works_with_a_session(case: CancellationRequest) -> None:
    client = factories.client_of(factories.create_customer())
    client.handler = type(client.handler)(enforce_csrf_checks=True)
    assert client.post(path_of(case)).status_code == 200
    assert is_confirmed(case)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"])
def test_other_methods_change_nothing(case: CancellationRequest, method: str) -> None:
    for _ in range(2):
        HttpClient().generic(method, path_of(case), headers={"Purpose": "prefetch"})
    assert not is_confirmed(case)
    assert case.version == 1


def used(case: CancellationRequest) -> str:
    """A used link."""
    path = path_of(case)
    assert HttpClient().post(path).status_code == 200
    return path


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
    others = [open_cases(order_with("A", number=str(n)), cancel(iban=IBAN))[0] for n in range(2)]
    dead = [
        f"{PATH}1/",
        f"{PATH}{case.pk + 1000}.1w0000.{'a' * 43}/",
        path_of(case)[:-2] + "/",
        expired(case),
        used(others[0]),
        changed(others[1]),
    ]
    client = HttpClient()
    responses = [method(path) for path in dead for method in (client.get, client.post)]
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
