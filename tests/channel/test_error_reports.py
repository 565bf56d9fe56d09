"""Error reports of clients: encrypted raw traffic, and the scope that shows it."""

from datetime import datetime

import pytest

from takeback.channel_sync.models import ErrorReport
from tests.channel import shop, sync

pytestmark = pytest.mark.django_db


def test_report_is_encrypted_and_raw_traffic_needs_scope_pii(
    frozen_now: datetime,
) -> None:
    caller = shop.client(shop.key(scopes=["read", "decide", "pii"]))

    created = sync.send(caller, "POST", "error_reports/", sync.error_report())

    assert (created.status_code, created.json()) == (
        201,
        sync.error_report(target_object_id=shop.SHOP)
        | {"pk": created.json()["id"], "id": created.json()["id"], "channel": shop.SHOP}
        | {"obj_modified_date": sync.DATE, "created_date": sync.DATE},
    )
    stored = ErrorReport.objects.get()
    assert "localhost" not in str(vars(stored))
    shown = sync.send(shop.client(), "GET", "error_reports/").json()["results"]
    assert shown == [created.json() | {"raw_request": None, "raw_response": None}]
    listed = sync.send(caller, "GET", "error_reports/").json()["results"]
    assert listed == [created.json()]


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
def test_reports_are_filtered(query: str, count: int) -> None:
    caller = shop.client()
    about = {"action_content_type": 7, "action_object_id": 7}
    for fields in ({}, {"is_ok": True, "error_code": "x"}, about):
        sync.send(caller, "POST", "error_reports/", sync.error_report(**fields))

    page = sync.send(caller, "GET", f"error_reports/?{query}").json()
    assert page["count"] == count


def test_long_raw_traffic_is_cut_off() -> None:
    caller = shop.client(shop.key(scopes=["decide", "pii"]))

    body = sync.error_report(raw_request="a" * 65_536 + "b", raw_response=None)
    created = sync.send(caller, "POST", "error_reports/", body).json()

    assert (created["raw_request"], created["raw_response"]) == ("a" * 65_536, None)
