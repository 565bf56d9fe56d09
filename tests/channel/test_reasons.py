"""The list of reasons, kept by other systems."""

from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from takeback.cancellations.models import CancellationReason
from tests import factories
from tests.cancellations.factories import LATER
from tests.channel import shop
from tests.channel.case_calls import call, caller, refused
from tests.storefront.api import nothing_written

pytestmark = pytest.mark.django_db

REASONS = f"/api/v1/channel/{shop.SHOP}/cancellation_reasons/"
TOLD = {
    "cancellation_type": "refund",
    "subject": "Too small",
    "translations": {"tr": {"subject": "Küçük geldi"}},
    "extra_information_needed": True,
    "order": 7,
    "is_active": True,
    "send_to_remote": True,
    "send_to_oms": True,
}


def own(**fields: Any) -> CancellationReason:
    """A reason of the channel."""
    return factories.create_reason(channel=factories.create_channel(), **fields)


def test_a_reason_is_added_and_read_back() -> None:
    system = caller()

    answer = call(system, "POST", REASONS, TOLD | {"uuid": "x", "pk": 7, "created_date": "x"})

    given = answer.json()
    assert answer.status_code == 201
    assert TOLD.items() <= given.items()
    assert given["id"] == given["pk"] != 7
    assert set(given) == {*TOLD, "id", "pk", "uuid", "created_date", "modified_date"}
    assert system.get(f"{REASONS}{given['id']}/").json() == given
    assert CancellationReason.objects.get().channel_id == shop.SHOP


def test_only_the_subject_is_needed() -> None:
    answer = call(caller(), "POST", REASONS, {"subject": " Late "})

    given = answer.json()
    assert (answer.status_code, given["subject"]) == (201, "Late")
    assert (given["cancellation_type"], given["order"], given["is_active"]) == ("cancel", 100, True)
    assert (given["translations"], given["send_to_oms"]) == ({}, False)


def test_the_same_key_adds_once() -> None:
    system = caller()
    for _ in range(2):
        call(system, "POST", REASONS, TOLD, **{"Idempotency-Key": "a"})

    assert CancellationReason.objects.count() == 1


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_what_is_told_is_changed_and_the_rest_stays(method: str) -> None:
    reason = own(order=3)
    with time_machine.travel(LATER, tick=False):
        answer = call(caller(), method, f"{REASONS}{reason.pk}/", {"subject": "New"})

    assert answer.status_code == 200
    changed = CancellationReason.objects.get()
    assert (changed.subject, changed.order, changed.modified_date) == ("New", 3, LATER)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_what_comes_back_as_it_was_shown_changes_nothing(method: str) -> None:
    reason, system = own(translations={"de": {"subject": "Zu klein"}}), caller()
    path = f"{REASONS}{reason.pk}/"
    shown = system.get(path).json()

    bodies: list[Any] = [shown, {}, b""]
    with nothing_written():
        for body in bodies:
            answer = call(system, method, path, body)
            assert (answer.status_code, answer.json()) == (200, shown)


def test_a_removed_reason_is_offered_no_more_and_stays() -> None:
    reason, system = own(), caller()

    for _ in range(2):
        answer = call(system, "DELETE", f"{REASONS}{reason.pk}/", b"")
        assert (answer.status_code, answer.content) == (204, b"")

    assert system.get(f"{REASONS}{reason.pk}/").json()["is_active"] is False
    assert system.get(f"{REASONS}?is_active=true").json()["count"] == 0


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_reason_of_all_channels_is_read_only(method: str) -> None:
    shared, system = factories.create_reason(), caller()
    path = f"{REASONS}{shared.pk}/"
    assert system.get(path).json()["subject"] == shared.subject

    with refused(403, "shared_reason") as answers:
        answers.append(call(system, method, path, {"is_active": False}))


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("prefix", shop.PREFIXES)
def test_another_channels_reason_is_not_there(method: str, prefix: str) -> None:
    foreign = factories.create_reason(channel=factories.create_channel(pk=shop.OTHER))
    system = caller()
    for pk in (foreign.pk, 0, 10**40, "x"):
        path = f"{prefix}/channel/{shop.SHOP}/cancellation_reasons/{pk}/"
        with refused(404, "not_found") as answers:
            answers.append(call(system, method, path, {"subject": "x"}))


def test_they_are_listed_in_the_order_in_which_they_are_offered() -> None:
    last, first = own(order=9), own(order=1, kind="refund")
    shared = factories.create_reason(order=5, is_active=False)
    factories.create_reason(channel=factories.create_channel(pk=shop.OTHER))
    system = caller()

    def listed(query: str = "") -> list[int]:
        return [row["id"] for row in system.get(f"{REASONS}{query}").json()["results"]]

    assert listed() == [first.pk, shared.pk, last.pk]
    assert listed("?cancellation_type=refund") == [first.pk]
    assert listed("?is_active=false") == [shared.pk]
    assert listed("?limit=2&page=2") == [last.pk]


def test_a_list_costs_the_same_whatever_its_length() -> None:
    system, costs = caller(), []
    for _ in range(2):
        own()
        with CaptureQueriesContext(connection) as seen:
            system.get(REASONS)
        costs.append(len(seen))

    # The key and its use, how many there are, and a page of them.
    assert costs == [4, 4]


BAD: list[tuple[str, Any]] = [
    ("subject", None),
    ("subject", ""),
    ("subject", "x" * 101),
    ("subject", "a\tb"),
    ("subject", "a\u202eb"),
    ("subject", 1),
    ("cancellation_type", "Cancel"),
    ("cancellation_type", None),
    ("order", -1),
    ("order", 2**31),
    ("order", 1.5),
    ("is_active", "yes"),
    ("send_to_remote", 1),
    ("send_to_oms", []),
    ("extra_information_needed", None),
    ("translations", None),
    ("translations", []),
    ("translations", {"tr": "x"}),
    ("translations", {"tr": {}}),
    ("translations", {"tr": {"subject": ""}}),
    ("translations", {"tr": {"subject": "x" * 101}}),
    ("translations", {"../x": {"subject": "x"}}),
    (
        "translations",
        {f"a{chr(97 + n // 26)}{chr(97 + n % 26)}": {"subject": "x"} for n in range(51)},
    ),
]


@pytest.mark.parametrize(("field", "value"), BAD)
def test_what_is_no_reason_is_refused(field: str, value: Any) -> None:
    reason, system = own(), caller()
    calls = [("POST", REASONS)] + [(name, f"{REASONS}{reason.pk}/") for name in ("PUT", "PATCH")]
    for method, path in calls:
        with refused(400, "invalid", field) as answers:
            answers.append(call(system, method, path, TOLD | {field: value}))


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST"])
def test_reading_is_not_deciding(method: str) -> None:
    reason, system = own(), shop.client(shop.key(scopes=["read"]))
    path = REASONS if method == "POST" else f"{REASONS}{reason.pk}/"
    assert system.get(REASONS).status_code == 200

    with refused(403, "permission_denied") as answers:
        answers.append(call(system, method, path, TOLD))
