"""A batch's life, what becomes of the objects in it, and the ids that are kept of them."""

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
from tests.channel.sync import actions, begun, moved, thing
from tests.factories import Visitor

pytestmark = pytest.mark.django_db

KIND = "cancellationrequest"
NO_STEP = (406, "batch_request_status_100_1")


def _refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def _in_commit(caller: Visitor, *objects: dict[str, Any], kind: str = KIND) -> dict[str, Any]:
    batch = begun(caller)
    answer = moved(caller, batch, "commit", content_type=kind, objects=list(objects))
    assert answer.status_code == 200, answer.content
    made: dict[str, Any] = answer.json()
    return made


def test_a_batch_begins_with_nothing_in_it(frozen_now: datetime) -> None:
    caller = shop.client()

    batch = begun(caller, channel=str(shop.SHOP))

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
    assert sync.call(caller, "GET", f"batch_requests/{batch['pk']}/").json() == batch


def test_a_batch_goes_its_way_to_the_end() -> None:
    caller, case = shop.client(), sync.case()
    batch = begun(caller)

    told: list[tuple[str, dict[str, Any]]] = [
        ("commit", {"content_type": KIND, "objects": [thing(case.pk)]}),
        ("sent_to_remote", {"remote_batch_id": "r-1"}),
        ("ongoing", {}),
        ("ongoing", {}),
        ("done", {"objects": [thing(case.pk, remote_id="c-9")]}),
    ]
    seen = [moved(caller, batch, status, **more).json() for status, more in told]

    assert [each["status"] for each in seen] == [status for status, _ in told]
    assert {each["remote_batch_id"] for each in seen[1:]} == {"r-1"}
    assert seen[-1]["objects"] == [
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
def test_only_the_steps_of_the_life_cycle_are_taken(before: str, after: str) -> None:
    caller = shop.client()
    batch = begun(caller)
    BatchRequest.objects.update(status=before, content_type=KIND)

    answer = moved(caller, batch, after)

    if after in STEPS[before] | {before}:
        assert (answer.status_code, answer.json()["status"]) == (200, after)
    else:
        assert _refusal(answer) == NO_STEP
        assert BatchRequest.objects.get().status == before


def test_an_ended_batch_takes_nothing_in() -> None:
    caller, case = shop.client(), sync.case()
    batch = _in_commit(caller)
    ended = moved(caller, batch, "done").json()

    again = moved(caller, batch, "done", objects=[thing(case.pk)])
    assert (again.status_code, again.json()) == (200, ended)
    assert moved(caller, batch).json() == ended
    assert _refusal(moved(caller, batch, objects=[thing(case.pk)])) == NO_STEP
    assert _refusal(moved(caller, batch, remote_batch_id="r")) == NO_STEP
    assert IntegrationAction.objects.count() == 0


def test_objects_may_come_in_several_parts() -> None:
    caller = shop.client()
    first, second = sync.case("1"), sync.case("2")
    batch = _in_commit(caller, thing(first.pk))

    moved(caller, batch, "commit", content_type=KIND, objects=[thing(second.pk)])

    assert [each["object_id"] for each in actions(caller)] == [first.pk, second.pk]
    assert {each["status"] for each in actions(caller)} == {"processing"}


def test_an_object_is_through_when_its_batch_says_so() -> None:
    caller = shop.client()
    taken, refused, silent = (sync.case(number) for number in "123")
    batch = _in_commit(caller, *(thing(each.pk) for each in (taken, refused, silent)))

    told = [thing(taken.pk, remote_id="r-1"), thing(refused.pk, failed_reason_type="remote")]
    moved(caller, batch, "commit", content_type=KIND, objects=told)

    seen = {each["object_id"]: each for each in actions(caller)}
    assert {pk: each["status"] for pk, each in seen.items()} == {
        taken.pk: "success",
        refused.pk: "error",
        silent.pk: "processing",
    }
    assert seen[refused.pk]["failed_reason_type"] == "remote"
    assert seen[taken.pk]["remote_id"] == "r-1"


@pytest.mark.parametrize(("end", "status"), [("done", "success"), ("fail", "error")])
def test_what_is_open_ends_as_its_batch_does(end: str, status: str) -> None:
    caller, case = shop.client(), sync.case()
    batch = _in_commit(caller, thing(case.pk))

    moved(caller, batch, end, objects=None)

    (action,) = actions(caller)
    assert (action["status"], action["failed_reason_type"]) == (status, None)


def test_what_was_not_said_of_an_object_is_kept() -> None:
    caller, case = shop.client(), sync.case()
    moved(caller, _in_commit(caller, thing(case.pk, remote_id="c-9")), "done")

    _in_commit(caller, {"pk": str(case.pk), "content_type": KIND})

    (action,) = actions(caller)
    assert (action["remote_id"], action["version_date"]) == ("c-9", sync.DATE)
    assert action["status"] == "processing"


def test_of_an_object_told_twice_the_last_word_counts() -> None:
    caller, case = shop.client(), sync.case()

    _in_commit(caller, thing(case.pk, remote_id="a"), thing(case.pk, remote_id="b"))

    assert [each["remote_id"] for each in actions(caller)] == ["b"]


def test_a_second_batch_of_the_kind_waits_for_the_one_in_commit() -> None:
    caller, case = shop.client(), sync.case()
    first, second = _in_commit(caller, thing(case.pk)), begun(caller)

    assert _refusal(moved(caller, second, "commit", content_type=KIND)) == NO_STEP
    assert moved(caller, begun(caller), "commit", content_type="order").status_code == 200
    moved(caller, first, "sent_to_remote")
    assert moved(caller, second, "commit", content_type=KIND).status_code == 200


def test_another_channel_has_a_commit_of_its_own() -> None:
    caller = shop.client(shop.key(channels=[shop.SHOP, shop.OTHER]))
    _in_commit(caller, thing(sync.case().pk))
    path = f"/api/v1/channel/{shop.OTHER}/batch_requests/"
    made = sync.call(caller, "POST", path, {}).json()

    told = {"status": "commit", "content_type": KIND}
    assert sync.call(caller, "PATCH", f"{path}{made['pk']}/", told).status_code == 200


def test_a_batch_whose_objects_are_all_through_gives_way() -> None:
    caller, case = shop.client(), sync.case()
    first = _in_commit(caller, thing(case.pk))
    moved(caller, first, "commit", content_type=KIND, objects=[thing(case.pk, remote_id="r")])

    _in_commit(caller)

    assert BatchRequest.objects.get(pk=first["pk"]).status == "done"


def test_a_batch_that_nobody_moves_gives_way_after_an_hour(
    settings: Settings, frozen_now: datetime
) -> None:
    settings.BATCH_COMMIT_MINUTES = 60
    caller, case = shop.client(), sync.case()
    first, second = _in_commit(caller, thing(case.pk)), begun(caller)

    with time_machine.travel(frozen_now + timedelta(minutes=60, seconds=-1), tick=False):
        assert _refusal(moved(caller, second, "commit", content_type=KIND)) == NO_STEP
    with time_machine.travel(frozen_now + timedelta(minutes=60), tick=False):
        assert moved(caller, second, "commit", content_type=KIND).status_code == 200

    assert BatchRequest.objects.get(pk=first["pk"]).status == "fail"
    assert [each["status"] for each in actions(caller)] == ["error"]


def test_the_database_too_knows_one_batch_in_commit() -> None:
    caller = shop.client()
    _in_commit(caller)
    second = begun(caller)

    with pytest.raises(IntegrityError), transaction.atomic():
        BatchRequest.objects.filter(pk=second["pk"]).update(status="commit", content_type=KIND)
    with pytest.raises(IntegrityError), transaction.atomic():
        BatchRequest.objects.filter(pk=second["pk"]).update(status="commit", content_type=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        BatchRequest.objects.filter(pk=second["pk"]).update(status="lost")


def test_a_batch_is_committed_with_its_kind_and_keeps_it() -> None:
    caller = shop.client()
    batch = begun(caller)

    missing = moved(caller, batch, "commit")
    moved(caller, batch, "commit", content_type="order")
    other = moved(caller, batch, "commit", content_type=KIND)

    assert (missing.status_code, missing.json()["code"]) == (400, "content_type_is_missing")
    assert set(missing.json()) == {"content_type", "code"}
    assert (other.status_code, other.json()["code"]) == (400, "content_type_is_fixed")
    assert BatchRequest.objects.get().content_type == "order"


def test_a_batch_of_thousands_is_taken_in_by_a_fixed_number_of_questions() -> None:
    caller = shop.client()
    batch = begun(caller)
    counted = []
    for count in (1, 400):
        told = [thing(pk, "product", remote_id=f"p-{pk}") for pk in range(1, count + 1)]
        with CaptureQueriesContext(connection) as asked:
            answer = moved(caller, batch, "commit", content_type="product", objects=told)
        assert (answer.status_code, len(answer.json()["objects"])) == (200, count)
        counted.append(len(asked))

    # The first also looks whether another batch is in commit.
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


@pytest.mark.parametrize(("filters", "found"), FILTERS)
def test_actions_are_found_by_what_is_known_of_them(
    filters: dict[str, Any], found: list[int]
) -> None:
    caller, order = shop.client(), sync.order()
    told = [
        thing(order.pk, "order", remote_id="o-1"),
        thing(factories.items_of(order)[0].pk, "orderitem", remote_id="i-1"),
        thing(7_000_000, "product", remote_id="p-7"),
    ]
    batch = _in_commit(caller, *told, kind="order")
    rows = actions(caller, local_batch_id=batch["local_batch_id"])

    assert [each["remote_id"] for each in rows] == ["o-1", "i-1", "p-7"]
    assert actions(caller, **filters) == [rows[number] for number in found]


def test_an_action_says_what_kind_of_object_it_is_about() -> None:
    caller, case = shop.client(), sync.case()
    batch = _in_commit(caller, thing(case.pk, remote_id="c-9"))

    (action,) = actions(caller)

    row = IntegrationAction.objects.get()
    assert action["content_type"] == {"id": 3, "pk": 3, "model": KIND}
    assert (action["pk"], action["id"], action["channel"]) == (row.pk, row.pk, shop.SHOP)
    assert (action["object_id"], action["remote_id"]) == (case.pk, "c-9")
    assert action["local_batch_id"] == batch["local_batch_id"]
    page = Visitor(headers={"authorization": shop.key()}).get(sync.BASE + "integration_actions/")
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


@pytest.mark.parametrize(("query", "found"), BATCH_FILTERS)
def test_batches_are_found_by_status_and_kind(query: str, found: list[str]) -> None:
    caller = shop.client()
    for steps in (0, 2, 3, 1):
        batch = begun(caller)
        for status in ("commit", "sent_to_remote", "ongoing")[:steps]:
            more = {"remote_batch_id": "r-1"} if status == "sent_to_remote" else {}
            assert moved(caller, batch, status, content_type="order", **more).status_code == 200

    answer = sync.call(caller, "GET", f"batch_requests/{query}").json()

    assert [each["status"] for each in answer["results"]] == found
    assert {each["objects"] for each in answer["results"]} <= {None}
    assert answer["count"] == len(found)


@pytest.mark.parametrize("route", ["batch_requests/", "integration_actions/", "error_reports/"])
def test_lists_ask_the_same_number_of_questions_however_long_they_are(route: str) -> None:
    caller = shop.client()
    counted = []
    for count in (1, 8):
        for number in range(count):
            batch = _in_commit(caller, thing(100 * count + number, "product"), kind="product")
            moved(caller, batch, "done")
            sync.call(caller, "POST", "error_reports/", sync.report())
        with CaptureQueriesContext(connection) as asked:
            answer = sync.call(caller, "GET", f"{route}?limit=50")
        assert len(answer.json()["results"]) >= count
        counted.append(len(asked))

    # The key, the count of its calls, how many there are, the page.
    assert counted == [4, 4]


@pytest.mark.parametrize("route", ["batch_requests/", "error_reports/"])
def test_a_post_repeated_under_its_key_acts_once(route: str) -> None:
    caller, body = shop.client(), sync.report()

    made = [sync.call(caller, "POST", route, body, idempotency_key="k1") for _ in range(2)]

    assert made[0].json() == made[1].json()
    assert made[1].headers["Idempotent-Replayed"] == "true"
    assert BatchRequest.objects.count() + ErrorReport.objects.count() == 1


def test_old_batches_and_reports_are_forgotten_and_ids_are_kept(frozen_now: datetime) -> None:
    caller = shop.client()
    moved(caller, _in_commit(caller, thing(7, "product", remote_id="p"), kind="product"), "done")
    sync.call(caller, "POST", "error_reports/", sync.report())
    end = frozen_now + timedelta(days=90)

    assert prune(end - timedelta(seconds=1)) == 0
    assert [prune(end), prune(end)] == [2, 0]
    (action,) = actions(caller)
    assert (action["remote_id"], action["local_batch_id"]) == ("p", None)
