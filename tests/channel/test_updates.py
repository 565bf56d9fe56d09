"""The lists of updates leave out the rows that a batch has synced."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from takeback.cancellations.models import CancellationRequest
from takeback.channel_sync.models import IntegrationAction
from takeback.orders.models import Order
from tests.channel import shop, sync
from tests.channel.sync import batch_object, change_batch, open_batch, send
from tests.factories import HttpClient

pytestmark = pytest.mark.django_db

SINCE = {"modified_date__gte": "2026-01-01"}
KINDS = [
    ("cancellation_requests/", "cancellationrequest", sync.case),
    ("orders/", "order", sync.order),
]


def listed(caller: HttpClient, path: str, **query: str) -> list[int]:
    response = send(caller, "GET", f"{path}updates/?{urlencode(query)}")
    return [row["pk"] for row in response.json()["results"]]


@pytest.mark.parametrize(("path", "kind", "new"), KINDS)
def test_synced_rows_leave_the_updates_until_they_change_or_fail(
    path: str, kind: str, new: Callable[[str], CancellationRequest | Order]
) -> None:
    first, second = new("1"), new("2")
    caller = shop.client()

    def synced(pk: int, **fields: Any) -> dict[str, Any]:
        version = send(caller, "GET", f"{path}{pk}/").json()["modified_date"]
        return batch_object(pk, kind, version_date=version, remote_id=f"r-{pk}", **fields)

    assert listed(caller, path) == [first.pk, second.pk]
    batch = open_batch(caller)
    both = [synced(first.pk), synced(second.pk)]
    assert change_batch(caller, batch, "commit", content_type=kind, objects=both).status_code == 200
    assert (listed(caller, path), listed(caller, path, **SINCE)) == ([], [first.pk, second.pk])
    change_batch(caller, batch, "done", objects=[synced(second.pk, failed_reason_type="remote")])
    assert listed(caller, path) == [second.pk]
    later = second.modified_date + timedelta(microseconds=1)
    type(first).objects.filter(pk=first.pk).update(modified_date=later)
    assert listed(caller, path) == [second.pk, first.pk]


@pytest.mark.parametrize(("path", "kind", "new"), KINDS)
def test_rows_synced_by_other_channels_or_types_stay_in_the_updates(
    path: str, kind: str, new: Callable[[str], CancellationRequest | Order]
) -> None:
    caller, row = shop.client(shop.key(channels=[shop.SHOP, shop.OTHER])), new("1")
    for channel_id, named in ((shop.OTHER, kind), (shop.SHOP, "product")):
        IntegrationAction.objects.create(
            channel_id=channel_id,
            content_type=named,
            object_id=row.pk,
            version_date=row.modified_date + timedelta(days=1),
            created_date=row.modified_date,
            modified_date=row.modified_date,
        )

    assert listed(caller, path) == [row.pk]
