"""The reasons of a channel: lists and changes."""

from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from takeback.cancellations.models import CancellationReason
from tests import factories
from tests.cancellations.factories import LATER
from tests.channel import shop
from tests.channel.case_calls import caller, refused, send
from tests.storefront.api import nothing_written

pytestmark = pytest.mark.django_db

REASONS = f"/api/v1/channel/{shop.SHOP}/cancellation_reasons/"
REASON = {
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


def test_reason_is_added_and_read_back() -> None:
    system = caller()

    response = send(system, "POST", REASONS, REASON | {"uuid": "x", "pk": 7, "created_date": "x"})

    document = response.json()
    assert response.status_code == 201
    assert REASON.items() <= document.items()
    assert document["id"] == document["pk"] != 7
    assert set(document) == {*REASON, "id", "pk", "uuid", "created_date", "modified_date"}
    assert system.get(f"{REASONS}{document['id']}/").json() == document
    assert CancellationReason.objects.get().channel_id == shop.SHOP


def test_only_the_subject_is_required() -> None:
    response = send(caller(), "POST", REASONS, {"subject": " Late "})

    document = response.json()
    assert (response.status_code, document["subject"]) == (201, "Late")
    assert (document["cancellation_type"], document["order"], document["is_active"]) == (
        "cancel",
        100,
        True,
    )
    assert (document["translations"], document["send_to_oms"]) == ({}, False)


def test_same_idempotency_key_adds_one_reason() -> None:
    system = caller()
    for _ in range(2):
        send(system, "POST", REASONS, REASON, **{"Idempotency-Key": "a"})

    assert CancellationReason.objects.count() == 1


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_only_sent_values_of_a_reason_change(method: str) -> None:
    reason = own(order=3)
    with time_machine.travel(LATER, tick=False):
        response = send(caller(), method, f"{REASONS}{reason.pk}/", {"subject": "New"})

    assert response.status_code == 200
    changed = CancellationReason.objects.get()
    assert (changed.subject, changed.order, changed.modified_date) == ("New", 3, LATER)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_sending_back_the_shown_reason_changes_nothing(method: str) -> None:
    reason, system = own(translations={"de": {"subject": "Zu klein"}}), caller()
    path = f"{REASONS}{reason.pk}/"
    shown = system.get(path).json()

    bodies: list[Any] = [shown, {}, b""]
    with nothing_written():
        for body in bodies:
            response = send(system, method, path, body)
            assert (response.status_code, response.json()) == (200, shown)


def test_deleted_reason_becomes_inactive() -> None:
    reason, system = own(), caller()

    for _ in range(2):
        response = send(system, "DELETE", f"{REASONS}{reason.pk}/", b"")
        assert (response.status_code, response.content) == (204, b"")

    assert system.get(f"{REASONS}{reason.pk}/").json()["is_active"] is False
    assert system.get(f"{REASONS}?is_active=true").json()["count"] == 0


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_shared_reason_is_read_only(method: str) -> None:
    shared, system = factories.create_reason(), caller()
    path = f"{REASONS}{shared.pk}/"
    assert system.get(path).json()["subject"] == shared.subject

    with refused(403, "shared_reason") as responses:
        responses.append(send(system, method, path, {"is_active": False}))


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("prefix", shop.PREFIXES)
def test_reason_of_other_channel_is_not_found(method: str, prefix: str) -> None:
    foreign = factories.create_reason(channel=factories.create_channel(pk=shop.OTHER))
    system = caller()
    for pk in (foreign.pk, 0, 10**40, "x"):
        path = f"{prefix}/channel/{shop.SHOP}/cancellation_reasons/{pk}/"
        with refused(404, "not_found") as responses:
            responses.append(send(system, method, path, {"subject": "x"}))


def test_reasons_are_listed_in_display_order() -> None:
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


def test_list_needs_the_same_queries_for_any_length() -> None:
    system, costs = caller(), []
    for _ in range(2):
        own()
        with CaptureQueriesContext(connection) as queries:
            system.get(REASONS)
        costs.append(len(queries))

    # Key, rate limit, count, page.
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
def test_invalid_reason_is_refused(field: str, value: Any) -> None:
    reason, system = own(), caller()
    calls = [("POST", REASONS)] + [(name, f"{REASONS}{reason.pk}/") for name in ("PUT", "PATCH")]
    for method, path in calls:
        with refused(400, "invalid", field) as responses:
            responses.append(send(system, method, path, REASON | {field: value}))


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST"])
def test_read_scope_is_not_enough_to_change_reasons(method: str) -> None:
    reason, system = own(), shop.client(shop.key(scopes=["read"]))
    path = REASONS if method == "POST" else f"{REASONS}{reason.pk}/"
    assert system.get(REASONS).status_code == 200

    with refused(403, "permission_denied") as responses:
        responses.append(send(system, method, path, REASON))
