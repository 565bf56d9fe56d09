"""Reading cases: channels, scopes, pages and query counts."""

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
def test_every_route_works_with_every_prefix_and_slash(path: str, slash: str, prefix: str) -> None:
    case = _case()

    document = shop.client().get(_path(path, case.pk, prefix=prefix) + slash).json()

    assert document.get("results", [document])[0]["id"] == case.pk


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "http://a b"]
)
def test_unsafe_links_are_left_out(url: str) -> None:
    details = {"defined_tracking_url": url}
    links: dict[str, Any] = {"tracking_url": url, "e_archive_url": url, "details": details}
    order = factories.create_order(items=[factories.item_input(**links)], **links)
    way_back = factories.create_easy_return(tracking_url=url)
    case = factories.create_case(
        item=factories.items_of(order)[0], kind="refund", easy_return=way_back
    )
    caller = shop.client()

    detailed = caller.get(_path("/{}/detailed", case.pk)).content.decode()
    orders = caller.get(f"/api/v1/channel/{factories.SHOP}/orders/{order.pk}/").content.decode()

    assert '"tracking_url":null' in detailed
    assert [text for text in (detailed, orders) if url in text] == []


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("path", PATHS[3:])
def test_case_of_other_channel_is_reported_like_a_missing_one(path: str, prefix: str) -> None:
    shop.key(channels=[factories.SHOP, OTHER])
    foreign, caller = _case(OTHER), shop.client()

    responses = [
        caller.get(_path(path, pk, prefix=prefix)) for pk in (foreign.pk, 10**6, 0, 10**30)
    ] + [caller.get(_path(path, foreign.pk, prefix=prefix, channel=OTHER))]

    assert {response.status_code for response in responses} == {404}
    assert len({response.content for response in responses}) == 1


@pytest.mark.parametrize("path", PATHS[:3])
def test_lists_show_no_case_of_other_channels(path: str) -> None:
    shop.key(channels=[factories.SHOP, OTHER])
    foreign = _case(OTHER)
    caller = shop.client()

    for query in ({}, {"channel": OTHER}, {"pk__in": foreign.pk}, {"number": factories.NUMBER}):
        assert caller.get(_path(path), query).json()["count"] == 0


@pytest.mark.parametrize("path", ["/detailed/detailed", "/abc", "/-1", "/1.5", "/%00", "/\u0661"])
def test_invalid_case_id_is_not_found(path: str) -> None:
    assert shop.client().get(_path(path)).status_code == 404


@pytest.mark.parametrize("path", PATHS)
def test_reading_needs_scope_read(path: str) -> None:
    case = _case()

    response = shop.client(shop.key(scopes=["decide"])).get(_path(path, case.pk))

    assert response.status_code == 403


@pytest.mark.parametrize("path", PATHS[3:])
def test_hidden_case_is_not_found(path: str) -> None:
    case = _case(is_hidden=True)

    assert shop.client().get(_path(path, case.pk)).status_code == 404


def _document(path: str, case: CancellationRequest, *scopes: str) -> dict[str, Any]:
    key = shop.key(scopes=["read", *scopes])
    document: dict[str, Any] = shop.client(key).get(_path(path, case.pk)).json()
    return document


@pytest.mark.parametrize("path", PATHS[3:])
def test_bank_account_is_masked_without_scope_money(path: str) -> None:
    case = _rich_case()

    masked, unmasked = _document(path, case, "pii"), _document(path, case, "money")

    assert (masked["iban"], masked["holder_name"]) == ("TR33 •••• 1326", "A••• R•••")
    assert (unmasked["iban"], unmasked["holder_name"]) == (IBAN, "Ayla Ray")


def test_secrets_need_scope_pii() -> None:
    case = _rich_case()
    assert case.easy_return
    type(case.easy_return).objects.update(raw_request="<in>", raw_response="<out>")

    for scope, shown in (("money", False), ("pii", True)):
        document = _document(PATHS[4], case, scope)
        parcel = document["easy_return"]
        secrets = [parcel["raw_request"], parcel["raw_response"]]
        secrets += [document["order_item"]["datasource"]["token"]]
        secrets += [document["customer"]["attributes"]["logged_ip"]]
        assert secrets == (["<in>", "<out>", "secret", "192.0.2.7"] if shown else [None] * 4)
        assert document["customer"]["attributes"]["tier"] == 1


def test_unbooked_return_shipment_is_null() -> None:
    case = _case(easy_return=factories.create_easy_return(code=None, status="wanted"))

    assert _document(PATHS[3], case)["easy_return"] is None


def test_lists_show_newest_first_and_updates_oldest_change_first() -> None:
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
        document = caller.get(path, query | {"page": page}).json()
        yield document
        if document["next"] is None:
            return
        page += 1


def test_pages_of_ten_end_with_a_page_without_next(
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


LISTS = {"": 3, "/updates": 3, "/detailed": 9}
"""Key, ids, cases; in detail also channel, items, statuses, orders, discounts, customers."""


@pytest.mark.parametrize(("path", "count"), LISTS.items())
def test_list_needs_the_same_queries_for_any_length(path: str, count: int) -> None:
    caller = shop.client()
    counts = {}

    for number in range(12):
        _case(number=str(number))
        if number in {0, 11}:
            for query in ({}, {"status": "waiting", "sku": "SKU-1", "customer_last_name": ""}):
                counts[number, str(query)] = _statements(caller, _path(path), query | {"limit": 50})

    assert set(counts.values()) == {count}


@pytest.mark.parametrize(("path", "count"), [("/{}", 2), ("/{}/detailed", 8)])
def test_case_needs_a_fixed_number_of_queries(path: str, count: int) -> None:
    assert _statements(shop.client(), _path(path, _rich_case().pk), {}) == count


def _statements(caller: HttpClient, path: str, query: dict[str, Any]) -> int:
    ApiKey.objects.update(last_used_at=clock.now())
    with CaptureQueriesContext(connection) as captured:
        assert caller.get(path, query).status_code == 200
    counted = [
        captured
        for captured in captured.captured_queries
        if "limits_counter" not in captured["sql"]
    ]
    return len(counted)
