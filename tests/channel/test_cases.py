"""Reading cases: whose they are, what a key sees of them, how long a list is."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from takeback.accounts.models import ApiKey, User
from takeback.cancellations.models import CancellationRequest
from takeback.channel.cases import queries
from takeback.core import clock
from tests import factories
from tests.channel import shop
from tests.channel.shop import OTHER, PREFIXES
from tests.factories import HttpClient

pytestmark = pytest.mark.django_db

PATHS = ("", "/detailed", "/updates", "/{}", "/{}/detailed")
IBAN = "TR330006100519786457841326"


def _path(
    path: str, case: int = 0, *, prefix: str = "/api/v1", channel: int = factories.SHOP
) -> str:
    return f"{prefix}/channel/{channel}/cancellation_requests{path.format(case)}"


def _case(channel: int = factories.SHOP, **fields: Any) -> CancellationRequest:
    order = factories.create_order(
        channel_id=channel, number=fields.pop("number", factories.NUMBER)
    )
    return factories.create_case(item=factories.items_of(order)[0], **fields)


def _rich_case() -> CancellationRequest:
    factories.create_full_order()
    User.objects.update(attributes={"logged_ip": "192.0.2.7", "tier": 1})
    return CancellationRequest.objects.get()


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", PATHS)
def test_every_route_answers_under_every_prefix_with_and_without_a_slash(
    path: str, slash: str, prefix: str
) -> None:
    case = _case()

    given = shop.client().get(_path(path, case.pk, prefix=prefix) + slash).json()

    assert given.get("results", [given])[0]["id"] == case.pk


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "http://a b"]
)
def test_a_link_that_does_not_open_a_page_is_left_out(url: str) -> None:
    # C41
    details = {"defined_tracking_url": url}
    links: dict[str, Any] = {"tracking_url": url, "e_archive_url": url, "details": details}
    order = factories.create_order(items=[factories.item_input(**links)], **links)
    way_back = factories.create_easy_return(tracking_url=url)
    case = factories.create_case(
        item=factories.items_of(order)[0], kind="refund", easy_return=way_back
    )
    caller = shop.client()

    whole = caller.get(_path("/{}/detailed", case.pk)).content.decode()
    orders = caller.get(f"/api/v1/channel/{factories.SHOP}/orders/{order.pk}/").content.decode()

    assert '"tracking_url":null' in whole
    assert [told for told in (whole, orders) if url in told] == []


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("path", PATHS[3:])
def test_a_case_of_another_channel_is_as_absent_as_none(path: str, prefix: str) -> None:
    shop.key(channels=[factories.SHOP, OTHER])
    foreign, caller = _case(OTHER), shop.client()

    answers = [
        caller.get(_path(path, pk, prefix=prefix)) for pk in (foreign.pk, 10**6, 0, 10**30)
    ] + [caller.get(_path(path, foreign.pk, prefix=prefix, channel=OTHER))]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize("path", PATHS[:3])
def test_no_list_shows_a_case_of_another_channel(path: str) -> None:
    shop.key(channels=[factories.SHOP, OTHER])
    foreign = _case(OTHER)
    caller = shop.client()

    for query in ({}, {"channel": OTHER}, {"pk__in": foreign.pk}, {"number": factories.NUMBER}):
        assert caller.get(_path(path), query).json()["count"] == 0


@pytest.mark.parametrize("path", ["/detailed/detailed", "/abc", "/-1", "/1.5", "/%00", "/\u0661"])
def test_what_is_no_number_is_no_case(path: str) -> None:
    assert shop.client().get(_path(path)).status_code == 404


@pytest.mark.parametrize("path", PATHS)
def test_reading_takes_the_scope_for_it(path: str) -> None:
    case = _case()

    answer = shop.client(shop.key(scopes=["decide"])).get(_path(path, case.pk))

    assert answer.status_code == 403


@pytest.mark.parametrize("path", PATHS[3:])
def test_a_hidden_case_is_gone(path: str) -> None:
    case = _case(is_hidden=True)

    assert shop.client().get(_path(path, case.pk)).status_code == 404


def _seen(path: str, case: CancellationRequest, *scopes: str) -> dict[str, Any]:
    key = shop.key(scopes=["read", *scopes])
    answer: dict[str, Any] = shop.client(key).get(_path(path, case.pk)).json()
    return answer


@pytest.mark.parametrize("path", PATHS[3:])
def test_an_account_is_masked_for_keys_that_may_not_pay(path: str) -> None:
    case = _rich_case()

    masked, whole = _seen(path, case, "pii"), _seen(path, case, "money")

    assert (masked["iban"], masked["holder_name"]) == ("TR33 •••• 1326", "A••• R•••")
    assert (whole["iban"], whole["holder_name"]) == (IBAN, "Ayla Ray")


def test_secrets_are_shown_to_keys_that_may_see_them() -> None:
    case = _rich_case()
    assert case.easy_return
    type(case.easy_return).objects.update(raw_request="<in>", raw_response="<out>")

    for scope, shown in (("money", False), ("pii", True)):
        given = _seen(PATHS[4], case, scope)
        parcel = given["easy_return"]
        secrets = [parcel["raw_request"], parcel["raw_response"]]
        secrets += [given["order_item"]["datasource"]["token"]]
        secrets += [given["customer"]["attributes"]["logged_ip"]]
        assert secrets == (["<in>", "<out>", "secret", "192.0.2.7"] if shown else [None] * 4)
        assert given["customer"]["attributes"]["tier"] == 1


def test_a_way_back_without_a_code_is_none() -> None:
    case = _case(easy_return=factories.create_easy_return(code=None, status="wanted"))

    assert _seen(PATHS[3], case)["easy_return"] is None


def test_lists_are_newest_first_and_updates_as_they_changed() -> None:
    first, second, third = (
        _case(number=str(number), modified_date=factories.NOW.replace(hour=hour))
        for number, hour in ((1, 5), (2, 7), (3, 5))
    )
    caller = shop.client()

    listed, detailed, updates = (
        [row["id"] for row in caller.get(_path(path)).json()["results"]] for path in PATHS[:3]
    )

    assert listed == detailed == [third.pk, second.pk, first.pk]
    assert updates == [first.pk, third.pk, second.pk]
    since = {"modified_date__gt": "2026-03-10T05:00:00Z", "status": "waiting"}
    assert [row["id"] for row in caller.get(_path(PATHS[2]), since).json()["results"]] == [
        second.pk
    ]
    assert caller.get(_path(PATHS[2]), {"modified_date__gte": "abc"}).status_code == 400
    assert caller.get(_path(""), since).json()["count"] == 3


def _walked(caller: HttpClient, path: str, **query: Any) -> Iterator[dict[str, Any]]:
    page = 1
    while True:
        found = caller.get(path, query | {"page": page}).json()
        yield found
        if found["next"] is None:
            return
        page += 1


def test_ten_cases_are_a_page_and_the_last_page_has_no_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cases = [_case(number=str(number)).pk for number in range(23)]
    caller = shop.client()

    for counted in (10_000, 15):
        monkeypatch.setattr(queries, "COUNTED", counted)
        for path in PATHS[:3]:
            pages = list(_walked(caller, _path(path)))
            assert [len(page["results"]) for page in pages] == [10, 10, 3]
            ids = [row["id"] for page in pages for row in page["results"]]
            assert sorted(ids) == cases
    assert [page["count"] for page in _walked(caller, _path(""), limit=5)] == [16, 16, 16, 21, 23]
    assert caller.get(_path(""), {"page": 4}).status_code == 404
    assert caller.get(_path(""), {"page": 3, "limit": 15}).status_code == 404


LISTS = {"": 3, "/updates": 3, "/detailed": 8}
"""The key, the numbers, the cases; in detail also channel, lines, orders, discounts, customers."""


@pytest.mark.parametrize(("path", "count"), LISTS.items())
def test_a_list_asks_as_often_however_long_it_is(path: str, count: int) -> None:
    caller = shop.client()
    asked = {}

    for number in range(12):
        _case(number=str(number))
        if number in {0, 11}:
            for query in ({}, {"status": "waiting", "sku": "SKU-1", "customer_last_name": ""}):
                asked[number, str(query)] = _statements(caller, _path(path), query | {"limit": 50})

    assert set(asked.values()) == {count}


@pytest.mark.parametrize(("path", "count"), [("/{}", 2), ("/{}/detailed", 7)])
def test_one_case_asks_as_often_as_it_must(path: str, count: int) -> None:
    assert _statements(shop.client(), _path(path, _rich_case().pk), {}) == count


def _statements(caller: HttpClient, path: str, query: dict[str, Any]) -> int:
    ApiKey.objects.update(last_used_at=clock.now())
    with CaptureQueriesContext(connection) as made:
        assert caller.get(path, query).status_code == 200
    counted = [made for made in made.captured_queries if "limits_counter" not in made["sql"]]
    return len(counted)
