"""Filters of the queue: addresses of the desk contain no text that an agent typed."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
import zeal

from takeback.accounts.models import Session
from takeback.cancellations.models import CancellationRequest
from takeback.desk.stored_filters import MAX_FILTERS
from tests import factories
from tests.desk.agents import (
    PASSWORD,
    agent,
    browser_of,
    filter_queue,
    member,
    page_of,
    rows_on,
    send,
)
from tests.factories import HttpClient

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

EMAIL = "find.me@example.com"
_ADDRESS = re.compile(r'(?:href|action|src|hx-[a-z]+)="([^"]*)"')


def new_cases(*emails: str) -> list[CancellationRequest]:
    """A case for a new order of each of these guests."""
    with zeal.zeal_ignore():
        reason = factories.create_reason()
        orders = [
            factories.create_order(number=f"N-{count}", guest=email)
            for count, email in enumerate(emails)
        ]
        items = [factories.items_of(order)[0] for order in orders]
        return [factories.create_case(item=item, reason=reason) for item in items]


def filter_address(client: HttpClient, **fields: str) -> str:
    """The address to which the form leads."""
    response = send(client, "/desk/", **fields)
    assert response.status_code == 303
    return str(response["Location"])


@pytest.mark.parametrize(
    "fields",
    [
        {"email": EMAIL},
        {"name": "Findme"},
        {"number": EMAIL},
        {"sku": EMAIL, "status": "all"},
        {"code": "Findme"},
        {"tracking": "Findme"},
    ],
    ids="&".join,
)
def test_typed_filter_is_in_no_address(fields: dict[str, str]) -> None:
    address = filter_address(agent(), **fields)

    assert re.fullmatch(r"/desk/\?filter=[0-9a-f]{12}", address)


def test_links_of_a_filtered_queue_and_its_cases_have_the_id_only() -> None:
    cases, client = new_cases(EMAIL, "other@example.com", EMAIL, EMAIL), agent()
    first, _, second, third = (case.pk for case in cases)
    address = filter_address(client, email=EMAIL.upper(), status="all")
    query = address.removeprefix("/desk/")

    queue = client.get(address)
    case = page_of(client.get(f"/desk/cases/{second}{query}"))

    assert rows_on(queue) == [first, second, third]
    page = page_of(queue)
    assert f'href="/desk/cases/{second}{query}"' in page
    assert f'href="/desk/cases/{first}{query}" rel="prev"' in case
    assert f'href="/desk/cases/{third}{query}" rel="next"' in case
    assert f'href="/desk/{query}" data-key="u"' in case
    assert f'action="/desk/cases/{second}/decide{query}"' in case
    addresses = " ".join(_ADDRESS.findall(page + case)).lower()
    assert "find.me" not in addresses
    assert "email" not in addresses


def test_pages_and_decisions_keep_a_stored_filter() -> None:
    cases, client = new_cases(*[EMAIL] * 51), agent()
    query = filter_address(client, email=EMAIL).removeprefix("/desk/")

    page = page_of(client.get(f"/desk/{query}"))
    with zeal.zeal_ignore():
        path = f"/desk/cases/{cases[0].pk}/decide{query}"
        decided = send(client, path, step="confirm", version=1)

    start = f"{query}&amp;start={cases[50].pk}"
    assert f'href="/desk/{start}"' in page
    assert rows_on(client.get(f"/desk/{start.replace('&amp;', '&')}")) == [cases[50].pk]
    assert decided["Location"] == f"/desk/cases/{cases[0].pk}{query}&done=confirm"


def test_form_shows_the_stored_filter_again() -> None:
    client = agent()
    page = page_of(filter_queue(client, email=EMAIL, name="Özge"))

    assert re.search(rf'name="email" value="{EMAIL}"', page)
    assert re.search('name="name" value="Özge"', page)
    assert 'method="post" action="/desk/" role="search"' in page


def test_filter_without_typed_text_needs_no_storage() -> None:
    client = agent()

    assert filter_address(client, status="all", kind="", sort="newest") == (
        "/desk/?status=all&sort=newest"
    )
    assert filter_address(client, status="", email=" ") == "/desk/"
    assert "filters" not in Session.objects.get().session_data


def test_filter_of_another_agent_matches_no_case() -> None:
    new_cases(EMAIL)
    ada, bea = browser_of(member()), browser_of(member("bea"))
    address = filter_address(ada, email=EMAIL)

    response = bea.get(address)

    assert (response.status_code, rows_on(response)) == (404, [])
    assert "This filter does not exist or is no longer stored." in page_of(response)
    assert EMAIL not in page_of(response)
    assert address.partition("=")[2] not in page_of(response)
    assert rows_on(ada.get(address)) != []


@pytest.mark.parametrize("key", ["x", "0" * 12, "%00", "%ff", "<b>", "filters", "x" * 5000])
def test_unknown_filter_matches_no_case(key: str) -> None:
    [case], client = new_cases(EMAIL), agent()

    queue = client.get(f"/desk/?filter={key}")
    page = client.get(f"/desk/cases/{case.pk}?filter={key}")

    assert (queue.status_code, rows_on(queue)) == (404, [])
    assert page.status_code == 200
    assert 'rel="next"' not in page_of(page)
    assert 'href="/desk/" data-key="u"' in page_of(page)


@pytest.mark.parametrize("name", ["email", "name"])
def test_email_and_name_are_not_read_from_an_address(name: str) -> None:
    new_cases(EMAIL)

    response = agent().get(f"/desk/?status=all&{name}={EMAIL}")

    assert (response.status_code, rows_on(response)) == (404, [])
    assert EMAIL not in page_of(response)


def test_sign_in_does_not_repeat_an_email_of_the_address() -> None:
    address = f"/desk/?status=all&email={EMAIL}"

    assert HttpClient().get(address)["Location"] == "/desk/login?next=%2Fdesk%2F"


def test_session_keeps_its_latest_filters() -> None:
    client = agent()
    addresses = [filter_address(client, number=f"n{count}") for count in range(MAX_FILTERS)]
    assert filter_address(client, number="n0") == addresses[0]

    filter_address(client, number="one more")

    assert client.get(addresses[0]).status_code == 200
    assert client.get(addresses[1]).status_code == 404
    assert len(set(addresses)) == MAX_FILTERS


def test_filter_ends_with_its_session() -> None:
    user = member()
    first = browser_of(user)
    address = filter_address(first, email=EMAIL)
    assert browser_of(user).get(address).status_code == 404

    with time_machine.travel(factories.NOW + timedelta(hours=13), tick=False):
        assert first.get(address)["Location"].startswith("/desk/login?next=")


def test_filter_sent_after_the_session_ended_is_applied_after_signing_in() -> None:
    [case, _], client = new_cases(EMAIL, "other@example.com"), agent()
    Session.objects.all().delete()
    refused = send(client, "/desk/", email=EMAIL)
    [unsent] = re.findall(r'name="unsent" value="([^"]+)"', page_of(refused))
    assert EMAIL not in unsent

    signed_in = send(
        client, "/desk/login", username="ada", password=PASSWORD, next="/desk/", unsent=unsent
    )
    applied = client.get(signed_in["Location"])

    assert re.fullmatch(r"/desk/\?filter=[0-9a-f]{12}", applied["Location"])
    assert rows_on(client.get(applied["Location"])) == [case.pk]


def test_form_from_another_site_sets_no_filter() -> None:
    client = agent()

    response: Any = client.post(
        "/desk/", f"email={EMAIL}", content_type="application/x-www-form-urlencoded"
    )

    assert response.status_code == 403
    assert "filters" not in Session.objects.get().session_data


def test_customer_of_a_case_leads_to_their_cases() -> None:
    cases, client = new_cases(EMAIL, EMAIL, "other@example.com"), agent()
    page = page_of(client.get(f"/desk/cases/{cases[0].pk}"))
    [email] = re.findall(r'name="email" value="([^"]*)"><button class="plain inline"', page)

    assert rows_on(filter_queue(client, status="all", email=email)) == [
        case.pk for case in cases[:2]
    ]


def test_reading_a_stored_filter_costs_no_query(django_assert_num_queries: Any) -> None:
    new_cases(EMAIL)
    client = agent()
    address = filter_address(client, email=EMAIL)

    with django_assert_num_queries(6):
        assert len(rows_on(client.get(address))) == 1


def test_query_string_of_the_desk_is_not_logged(capfd: pytest.CaptureFixture[str]) -> None:
    client = agent()
    client.get(f"/desk/?email={EMAIL}")
    send(client, "/desk/", email=EMAIL)

    logged = "".join(capfd.readouterr())

    assert '"status":404' in logged
    assert '"status":303' in logged
    assert "find.me" not in logged
