"""A session that has ended: the typed text returns after signing in, and nothing is decided."""

import re
from html import unescape
from typing import Any

import pytest

from takeback.accounts.models import Session
from takeback.cancellations.models import CancellationRequest
from tests import factories
from tests.desk.agents import FORM, PASSWORD, agent, code_on, page_of, send
from tests.factories import HttpClient
from tests.storefront.api import nothing_written

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("frozen_now"),
    pytest.mark.allow_repeated_queries("tests create cases between requests"),
]

LOGIN = "/desk/login"
WITH_TEXT = "Your session has expired. Sign in again; your text is kept."
WITHOUT_TEXT = "Your session has expired. Sign in again."
NOTE = 'Worn & "torn" <b>\nTürkçe'


def new_case(number: str = "1") -> CancellationRequest:
    order = factories.create_order(number=number)
    return factories.create_case(item=factories.items_of(order)[0])


def hidden(response: Any) -> dict[str, str]:
    """The hidden fields of the sign-in form that lead back to the page."""
    page = page_of(response)
    fields = re.findall(r'<input type="hidden" name="(next|unsent|ticket)" value="([^"]*)"', page)
    return {name: unescape(value) for name, value in fields}


def decide(client: HttpClient, case: CancellationRequest, **fields: Any) -> Any:
    path = f"/desk/cases/{case.pk}/decide?status=all"
    return send(client, path, step="reject", version=case.version, **fields)


def test_text_of_a_decision_returns_after_signing_in() -> None:
    case, client = new_case(), agent()
    Session.objects.all().delete()

    with nothing_written():
        response = decide(client, case, message=NOTE)

    assert (response.status_code, code_on(response)) == (403, "csrf_failed")
    assert WITH_TEXT in page_of(response)
    fields = hidden(response)
    assert fields["next"] == f"/desk/cases/{case.pk}?status=all"
    assert "Worn" not in fields["unsent"]

    wrong = send(client, LOGIN, username="ada", password="x", **fields)
    assert hidden(wrong) == fields

    signed_in = send(client, LOGIN, username="ada", password=PASSWORD, **hidden(wrong))
    assert signed_in["Location"] == fields["next"]
    page = page_of(client.get(signed_in["Location"]))
    assert "Worn &amp; &quot;torn&quot; &lt;b&gt;\nTürkçe</textarea>" in page
    assert CancellationRequest.objects.get().status == "waiting"
    assert "Worn" not in page_of(client.get(signed_in["Location"]))


def test_text_survives_cleared_cookies() -> None:
    case, client = new_case(), agent()
    body = f"step=reject&version={case.version}&message=worn"
    client.cookies.clear()
    response = client.post(f"/desk/cases/{case.pk}/decide", body, content_type=FORM)
    assert WITH_TEXT in page_of(response)
    assert hidden(response)["unsent"]


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}],
)
@pytest.mark.parametrize("is_signed_in", [True, False])
def test_text_from_another_site_is_not_kept(headers: dict[str, str], is_signed_in: bool) -> None:
    case, client = new_case(), agent()
    if not is_signed_in:
        Session.objects.all().delete()
    with nothing_written():
        response: Any = client.post(
            f"/desk/cases/{case.pk}/decide",
            "step=approve&message=x",
            content_type=FORM,
            headers=headers,
        )
    assert (response.status_code, code_on(response)) == (403, "csrf_failed")
    assert hidden(response) == {}
    assert "This form was not sent from the desk." in page_of(response)


def test_too_much_text_is_not_kept() -> None:
    case, client = new_case(), agent()
    Session.objects.all().delete()
    response = decide(client, case, message="x" * 20_001)
    assert WITHOUT_TEXT in page_of(response)
    assert "unsent" not in hidden(response)


def test_passwords_and_codes_are_not_kept() -> None:
    client = agent()
    Session.objects.all().delete()
    fields = {"password": PASSWORD, "new_password": "y", "repeated_password": "y"}
    response = send(client, "/desk/account/password", **fields)
    assert hidden(response) == {"next": "/desk/account/password"}
    assert WITHOUT_TEXT in page_of(response)


@pytest.mark.parametrize("unsent", ["x", "1:AAAA", "ü", "1:" + "A" * 50_000])
def test_invalid_kept_text_is_ignored(unsent: str) -> None:
    case = new_case()
    agent()
    client = HttpClient()
    path = f"/desk/cases/{case.pk}"
    response = send(client, LOGIN, username="ada", password=PASSWORD, unsent=unsent, next=path)
    assert response["Location"] == path
    assert client.get(path).status_code == 200


def test_kept_text_fills_its_own_page_only() -> None:
    case, other, client = new_case(), new_case("2"), agent()
    Session.objects.all().delete()
    fields = hidden(decide(client, case, message="worn"))
    send(client, LOGIN, username="ada", password=PASSWORD, **fields)
    assert "worn</textarea>" not in page_of(client.get(f"/desk/cases/{other.pk}"))
    assert "worn</textarea>" in page_of(client.get(f"/desk/cases/{case.pk}"))


@pytest.mark.parametrize("path", ["/desk/", "/desk/?status=all", "/desk/account"])
def test_page_is_opened_after_signing_in(path: str) -> None:
    agent()
    client: Any = HttpClient()
    to_login = client.get(path)
    page = client.get(to_login["Location"])
    response = send(client, LOGIN, username="ada", password=PASSWORD, **hidden(page))
    assert response["Location"] == path


def test_locked_page_keeps_page_and_text() -> None:
    case, client = new_case(), agent()
    Session.objects.all().delete()
    fields = hidden(decide(client, case, message="worn"))
    for _ in range(11):
        response = send(client, LOGIN, username="ada", password="x", **fields)
    assert response.status_code == 429
    assert hidden(response) == fields
