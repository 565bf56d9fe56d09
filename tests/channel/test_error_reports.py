"""What channels' systems report of their calls: kept sealed, and for those who may see it."""

from datetime import datetime

import pytest

from takeback.channel_sync.models import ErrorReport
from tests.channel import shop, sync

pytestmark = pytest.mark.django_db


def test_a_report_is_kept_sealed_and_shown_to_those_who_may_see_traffic(
    frozen_now: datetime,
) -> None:
    caller = shop.client(shop.key(scopes=["read", "decide", "pii"]))

    made = sync.call(caller, "POST", "error_reports/", sync.report())

    assert (made.status_code, made.json()) == (
        201,
        sync.report(target_object_id=shop.SHOP)
        | {"pk": made.json()["id"], "id": made.json()["id"], "channel": shop.SHOP}
        | {"obj_modified_date": sync.DATE, "created_date": sync.DATE},
    )
    kept = ErrorReport.objects.get()
    assert "localhost" not in str(vars(kept))
    shown = sync.call(shop.client(), "GET", "error_reports/").json()["results"]
    assert shown == [made.json() | {"raw_request": None, "raw_response": None}]
    found = sync.call(caller, "GET", "error_reports/").json()["results"]
    assert found == [made.json()]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("is_ok=true", 1),
        ("is_ok=false", 2),
        ("error_code=x", 1),
        ("action_object_id=7", 1),
        ("error_code=x&is_ok=false", 0),
    ],
)
def test_reports_are_found_by_what_they_are_about(query: str, count: int) -> None:
    caller = shop.client()
    about = {"action_content_type": 7, "action_object_id": 7}
    for told in ({}, {"is_ok": True, "error_code": "x"}, about):
        sync.call(caller, "POST", "error_reports/", sync.report(**told))

    answer = sync.call(caller, "GET", f"error_reports/?{query}").json()
    assert answer["count"] == count


def test_of_long_traffic_the_beginning_is_kept() -> None:
    caller = shop.client(shop.key(scopes=["decide", "pii"]))

    told = sync.report(raw_request="a" * 65_536 + "b", raw_response=None)
    made = sync.call(caller, "POST", "error_reports/", told).json()

    assert (made["raw_request"], made["raw_response"]) == ("a" * 65_536, None)
