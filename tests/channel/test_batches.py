"""Batches: life cycle, results of their objects, and the remote ids that are stored."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from takeback.channel.sync import documents
from takeback.channel_sync.commands import prune
from takeback.channel_sync.models import BatchRequest, ErrorReport, IntegrationAction
from takeback.channel_sync.statuses import BatchStatus
from tests import factories
from tests.channel import shop, sync
from tests.channel.sync import actions, batch_object, change_batch, open_batch
from tests.factories import HttpClient

pytestmark = pytest.mark.django_db

KIND = "cancellationrequest"
NO_STEP = (406, "batch_request_status_100_1")


def _refusal(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def _in_commit(caller: HttpClient, *objects: dict[str, Any], kind: str = KIND) -> dict[str, Any]:
    batch = open_batch(caller)
    response = change_batch(caller, batch, "commit", content_type=kind, objects=list(objects))
    assert response.status_code == 200, response.content
    document: dict[str, Any] = response.json()
    return document


def test_new_batch_is_empty(frozen_now: datetime) -> None:
    caller = shop.client()

    batch = open_batch(caller, channel=str(shop.SHOP))

    assert isinstance(batch["pk"], int)
    assert len(batch["local_batch_id"]) == 36
    assert batch == {
        "pk": batch["pk"],
        "id": batch["pk"],
        "channel": shop.SHOP,
        "local_batch_id": batch["local_batch_id"],
        "remote_batch_id": None,
        "content_type": None,
        "status": "initialized",
        "objects": [],
        "created_date": sync.DATE,
        "modified_date": sync.DATE,
    }
    assert sync.send(caller, "GET", f"batch_requests/{batch['pk']}/").json() == batch


def test_batch_passes_all_statuses() -> None:
    caller, case = shop.client(), sync.case()
    batch = open_batch(caller)

    steps: list[tuple[str, dict[str, Any]]] = [
        ("commit", {"content_type": KIND, "objects": [batch_object(case.pk)]}),
        ("sent_to_remote", {"remote_batch_id": "r-1"}),
        ("ongoing", {}),
        ("ongoing", {}),
        ("done", {"objects": [batch_object(case.pk, remote_id="c-9")]}),
    ]
    batches = [change_batch(caller, batch, status, **more).json() for status, more in steps]

    assert [row["status"] for row in batches] == [status for status, _ in steps]
    assert {row["remote_batch_id"] for row in batches[1:]} == {"r-1"}
    assert batches[-1]["objects"] == [
        {
            "pk": case.pk,
            "content_type": KIND,
            "remote_id": "c-9",
            "version_date": sync.DATE,
            "status": "success",
            "failed_reason_type": None,
        }
    ]


STEPS = {
    "initialized": {"commit", "done", "fail"},
    "commit": {"sent_to_remote", "done", "fail"},
    "sent_to_remote": {"ongoing", "done", "fail"},
    "ongoing": {"done", "fail"},
    "done": set(),
    "fail": set(),
}


@pytest.mark.parametrize("before", list(BatchStatus))
@pytest.mark.parametrize("after", list(BatchStatus))
def test_only_transitions_of_the_life_cycle_are_accepted(before: str, after: str) -> None:
    caller = shop.client()
    batch = open_batch(caller)
    BatchRequest.objects.update(status=before, content_type=KIND)

    response = change_batch(caller, batch, after)

    if after in STEPS[before] | {before}:
        assert (response.status_code, response.json()["status"]) == (200, after)
    else:
        assert _refusal(response) == NO_STEP
        assert BatchRequest.objects.get().status == before


def test_ended_batch_accepts_no_objects() -> None:
    caller, case = shop.client(), sync.case()
    batch = _in_commit(caller)
    ended = change_batch(caller, batch, "done").json()

    again = change_batch(caller, batch, "done", objects=[batch_object(case.pk)])
    assert (again.status_code, again.json()) == (200, ended)
    assert change_batch(caller, batch).json() == ended
    assert _refusal(change_batch(caller, batch, objects=[batch_object(case.pk)])) == NO_STEP
    assert _refusal(change_batch(caller, batch, remote_batch_id="r")) == NO_STEP
    assert IntegrationAction.objects.count() == 0


def test_objects_may_come_in_several_requests() -> None:
    caller = shop.client()
    first, second = sync.case("1"), sync.case("2")
    batch = _in_commit(caller, batch_object(first.pk))

    change_batch(caller, batch, "commit", content_type=KIND, objects=[batch_object(second.pk)])

    assert [row["object_id"] for row in actions(caller)] == [first.pk, second.pk]
    assert {row["status"] for row in actions(caller)} == {"processing"}


def test_object_succeeds_or_fails_when_its_batch_reports_it() -> None:
    caller = shop.client()
    taken, refused, silent = (sync.case(number) for number in "123")
    batch = _in_commit(caller, *(batch_object(row.pk) for row in (taken, refused, silent)))

    objects = [
        batch_object(taken.pk, remote_id="r-1"),
        batch_object(refused.pk, failed_reason_type="remote"),
    ]
    change_batch(caller, batch, "commit", content_type=KIND, objects=objects)

    by_id = {row["object_id"]: row for row in actions(caller)}
    assert {pk: row["status"] for pk, row in by_id.items()} == {
        taken.pk: "success",
        refused.pk: "error",
        silent.pk: "processing",
    }
    assert by_id[refused.pk]["failed_reason_type"] == "remote"
    assert by_id[taken.pk]["remote_id"] == "r-1"


@pytest.mark.parametrize(("end", "status"), [("done", "success"), ("fail", "error")])
def test_open_objects_end_like_their_batch(end: str, status: str) -> None:
    caller, case = shop.client(), sync.case()
    batch = _in_commit(caller, batch_object(case.pk))

    change_batch(caller, batch, end, objects=None)

    (action,) = actions(caller)
    assert (action["status"], action["failed_reason_type"]) == (status, None)


def test_missing_values_of_an_object_are_kept() -> None:
    caller, case = shop.client(), sync.case()
    change_batch(caller, _in_commit(caller, batch_object(case.pk, remote_id="c-9")), "done")

    _in_commit(caller, {"pk": str(case.pk), "content_type": KIND})

    (action,) = actions(caller)
    assert (action["remote_id"], action["version_date"]) == ("c-9", sync.DATE)
    assert action["status"] == "processing"


def test_last_entry_of_a_repeated_object_wins() -> None:
    caller, case = shop.client(), sync.case()

    _in_commit(caller, batch_object(case.pk, remote_id="a"), batch_object(case.pk, remote_id="b"))

    assert [row["remote_id"] for row in actions(caller)] == ["b"]


def test_second_batch_of_a_type_waits_for_the_one_in_commit() -> None:
    caller, case = shop.client(), sync.case()
    first, second = _in_commit(caller, batch_object(case.pk)), open_batch(caller)

    assert _refusal(change_batch(caller, second, "commit", content_type=KIND)) == NO_STEP
    assert (
        change_batch(caller, open_batch(caller), "commit", content_type="order").status_code == 200
    )
    change_batch(caller, first, "sent_to_remote")
    assert change_batch(caller, second, "commit", content_type=KIND).status_code == 200


def test_each_channel_has_its_own_batch_in_commit() -> None:
    caller = shop.client(shop.key(channels=[shop.SHOP, shop.OTHER]))
    _in_commit(caller, batch_object(sync.case().pk))
    path = f"/api/v1/channel/{shop.OTHER}/batch_requests/"
    batch = sync.send(caller, "POST", path, {}).json()

    body = {"status": "commit", "content_type": KIND}
    assert sync.send(caller, "PATCH", f"{path}{batch['pk']}/", body).status_code == 200


def test_batch_without_open_objects_gives_way() -> None:
    caller, case = shop.client(), sync.case()
    first = _in_commit(caller, batch_object(case.pk))
    change_batch(
        caller, first, "commit", content_type=KIND, objects=[batch_object(case.pk, remote_id="r")]
    )

    _in_commit(caller)

    assert BatchRequest.objects.get(pk=first["pk"]).status == "done"


def test_idle_batch_gives_way_after_an_hour(settings: Settings, frozen_now: datetime) -> None:
    settings.BATCH_COMMIT_MINUTES = 60
    caller, case = shop.client(), sync.case()
    first, second = _in_commit(caller, batch_object(case.pk)), open_batch(caller)

    with time_machine.travel(frozen_now + timedelta(minutes=60, seconds=-1), tick=False):
        assert _refusal(change_batch(caller, second, "commit", content_type=KIND)) == NO_STEP
    with time_machine.travel(frozen_now + timedelta(minutes=60), tick=False):
        assert change_batch(caller, second, "commit", content_type=KIND).status_code == 200

    assert BatchRequest.objects.get(pk=first["pk"]).status == "fail"
    assert [row["status"] for row in actions(caller)] == ["error"]


def test_database_allows_one_batch_in_commit() -> None:
    caller = shop.client()
    _in_commit(caller)
    second = open_batch(caller)

    with pytest.raises(IntegrityError), transaction.atomic():
        BatchRequest.objects.filter(pk=second["pk"]).update(status="commit", content_type=KIND)
    with pytest.raises(IntegrityError), transaction.atomic():
        BatchRequest.objects.filter(pk=second["pk"]).update(status="commit", content_type=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        BatchRequest.objects.filter(pk=second["pk"]).update(status="lost")


def test_batch_is_committed_with_its_type_and_keeps_it() -> None:
    caller = shop.client()
    batch = open_batch(caller)

    missing = change_batch(caller, batch, "commit")
    change_batch(caller, batch, "commit", content_type="order")
    other = change_batch(caller, batch, "commit", content_type=KIND)

    assert (missing.status_code, missing.json()["code"]) == (400, "content_type_is_missing")
    assert set(missing.json()) == {"content_type", "code"}
    assert (other.status_code, other.json()["code"]) == (400, "content_type_is_fixed")
    assert BatchRequest.objects.get().content_type == "order"


def test_large_batch_needs_a_fixed_number_of_queries() -> None:
    caller = shop.client()
    batch = open_batch(caller)
    counted = []
    for count in (1, 400):
        entries = [batch_object(pk, "product", remote_id=f"p-{pk}") for pk in range(1, count + 1)]
        with CaptureQueriesContext(connection) as queries:
            response = change_batch(
                caller, batch, "commit", content_type="product", objects=entries
            )
        assert (response.status_code, len(response.json()["objects"])) == (200, count)
        counted.append(len(queries))

    # The first request also checks whether another batch is in commit.
    assert counted == [11, 10]


FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [0, 1, 2]),
    ({"sort": "-id"}, [2, 1, 0]),
    ({"content_type_name": "orderitem"}, [1]),
    ({"content_type_name": "marketplaceattribute"}, []),
    ({"content_type_name": "product", "remote_id__exact": "p-7"}, [2]),
    ({"remote_id": " p-7 "}, [2]),
    ({"remote_id__in": "o-1, p-7,zz"}, [0, 2]),
    ({"remote_id__in": ""}, []),
    ({"object_id": "7000000"}, [2]),
    ({"object_id__in": "7000000, 7000001"}, [2]),
    ({"status": "processing"}, [0, 1, 2]),
    ({"status": "error"}, []),
    ({"channel": "1", "channel_id": 1}, [0, 1, 2]),
    ({"channel": "2"}, []),
    ({"unknown": "x", "limit": 2}, [0, 1]),
    ({"page": 2, "limit": 2}, [2]),
]


@pytest.mark.parametrize(("filters", "expected"), FILTERS)
def test_actions_are_filtered(filters: dict[str, Any], expected: list[int]) -> None:
    caller, order = shop.client(), sync.order()
    objects = [
        batch_object(order.pk, "order", remote_id="o-1"),
        batch_object(factories.items_of(order)[0].pk, "orderitem", remote_id="i-1"),
        batch_object(7_000_000, "product", remote_id="p-7"),
    ]
    batch = _in_commit(caller, *objects, kind="order")
    rows = actions(caller, local_batch_id=batch["local_batch_id"])

    assert [row["remote_id"] for row in rows] == ["o-1", "i-1", "p-7"]
    assert actions(caller, **filters) == [rows[number] for number in expected]


def test_action_shows_content_type_and_batch() -> None:
    caller, case = shop.client(), sync.case()
    batch = _in_commit(caller, batch_object(case.pk, remote_id="c-9"))

    (action,) = actions(caller)

    row = IntegrationAction.objects.get()
    assert action["content_type"] == {"id": 3, "pk": 3, "model": KIND}
    assert (action["pk"], action["id"], action["channel"]) == (row.pk, row.pk, shop.SHOP)
    assert (action["object_id"], action["remote_id"]) == (case.pk, "c-9")
    assert action["local_batch_id"] == batch["local_batch_id"]
    page = HttpClient(headers={"authorization": shop.key()}).get(sync.BASE + "integration_actions/")
    msgspec.json.decode(
        msgspec.json.encode(page.json()["results"]), type=list[documents.ChannelIntegrationAction]
    )


BATCH_FILTERS: list[tuple[str, list[str]]] = [
    ("", ["commit", "ongoing", "sent_to_remote", "initialized"]),
    ("?sort=id", ["initialized", "sent_to_remote", "ongoing", "commit"]),
    ("?status=sent_to_remote&status=ongoing&content_type=order", ["ongoing", "sent_to_remote"]),
    ("?status=commit&channel=1", ["commit"]),
    ("?status=done", []),
    ("?content_type=product", []),
    ("?remote_batch_id=r-1", ["ongoing", "sent_to_remote"]),
    ("?channel_id=2", []),
]


@pytest.mark.parametrize(("query", "expected"), BATCH_FILTERS)
def test_batches_are_filtered_by_status_and_type(query: str, expected: list[str]) -> None:
    caller = shop.client()
    for steps in (0, 2, 3, 1):
        batch = open_batch(caller)
        for status in ("commit", "sent_to_remote", "ongoing")[:steps]:
            more = {"remote_batch_id": "r-1"} if status == "sent_to_remote" else {}
            assert (
                change_batch(caller, batch, status, content_type="order", **more).status_code == 200
            )

    response = sync.send(caller, "GET", f"batch_requests/{query}").json()

    assert [row["status"] for row in response["results"]] == expected
    assert {row["objects"] for row in response["results"]} <= {None}
    assert response["count"] == len(expected)


@pytest.mark.parametrize("route", ["batch_requests/", "integration_actions/", "error_reports/"])
def test_lists_need_the_same_queries_for_any_length(route: str) -> None:
    caller = shop.client()
    counted = []
    for count in (1, 8):
        for number in range(count):
            batch = _in_commit(
                caller, batch_object(100 * count + number, "product"), kind="product"
            )
            change_batch(caller, batch, "done")
            sync.send(caller, "POST", "error_reports/", sync.error_report())
        with CaptureQueriesContext(connection) as queries:
            response = sync.send(caller, "GET", f"{route}?limit=50")
        assert len(response.json()["results"]) >= count
        counted.append(len(queries))

    # Key, rate limit, count, page.
    assert counted == [4, 4]


@pytest.mark.parametrize("route", ["batch_requests/", "error_reports/"])
def test_repeated_post_with_same_key_acts_once(route: str) -> None:
    caller, body = shop.client(), sync.error_report()

    responses = [sync.send(caller, "POST", route, body, idempotency_key="k1") for _ in range(2)]

    assert responses[0].json() == responses[1].json()
    assert responses[1].headers["Idempotent-Replayed"] == "true"
    assert BatchRequest.objects.count() + ErrorReport.objects.count() == 1


def test_prune_deletes_old_batches_and_reports_but_no_ids(frozen_now: datetime) -> None:
    caller = shop.client()
    change_batch(
        caller,
        _in_commit(caller, batch_object(7, "product", remote_id="p"), kind="product"),
        "done",
    )
    sync.send(caller, "POST", "error_reports/", sync.error_report())
    end = frozen_now + timedelta(days=90)

    assert prune(end - timedelta(seconds=1)) == 0
    assert [prune(end), prune(end)] == [2, 0]
    (action,) = actions(caller)
    assert (action["remote_id"], action["local_batch_id"]) == ("p", None)
