"""What has changed is what a channel's system does not have as it is: batches say what it has."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from takeback.cancellations.models import CancellationRequest
from takeback.channel_sync.models import IntegrationAction
from takeback.orders.models import Order
from tests.channel import shop, sync
from tests.channel.sync import begun, call, moved, thing
from tests.factories import HttpClient

pytestmark = pytest.mark.django_db

SINCE = {"modified_date__gte": "2026-01-01"}
KINDS = [
    ("cancellation_requests/", "cancellationrequest", sync.case),
    ("orders/", "order", sync.order),
]


def listed(caller: HttpClient, path: str, **query: str) -> list[int]:
    found = call(caller, "GET", f"{path}updates/?{urlencode(query)}")
    return [row["pk"] for row in found.json()["results"]]


@pytest.mark.parametrize(("path", "kind", "new"), KINDS)
def test_what_a_batch_has_named_is_no_change_until_it_fails_or_changes_again(
    path: str, kind: str, new: Callable[[str], CancellationRequest | Order]
) -> None:
    first, second = new("1"), new("2")
    caller = shop.client()

    def told(pk: int, **fields: Any) -> dict[str, Any]:
        seen = call(caller, "GET", f"{path}{pk}/").json()["modified_date"]
        return thing(pk, kind, version_date=seen, remote_id=f"r-{pk}", **fields)

    assert listed(caller, path) == [first.pk, second.pk]
    batch = begun(caller)
    both = [told(first.pk), told(second.pk)]
    assert moved(caller, batch, "commit", content_type=kind, objects=both).status_code == 200
    assert (listed(caller, path), listed(caller, path, **SINCE)) == ([], [first.pk, second.pk])
    moved(caller, batch, "done", objects=[told(second.pk, failed_reason_type="remote")])
    assert listed(caller, path) == [second.pk]
    later = second.modified_date + timedelta(microseconds=1)
    type(first).objects.filter(pk=first.pk).update(modified_date=later)
    assert listed(caller, path) == [second.pk, first.pk]


@pytest.mark.parametrize(("path", "kind", "new"), KINDS)
def test_what_another_channels_system_has_or_of_another_kind_is_a_change_all_the_same(
    path: str, kind: str, new: Callable[[str], CancellationRequest | Order]
) -> None:
    caller, found = shop.client(shop.key(channels=[shop.SHOP, shop.OTHER])), new("1")
    for channel_id, named in ((shop.OTHER, kind), (shop.SHOP, "product")):
        IntegrationAction.objects.create(
            channel_id=channel_id,
            content_type=named,
            object_id=found.pk,
            version_date=found.modified_date + timedelta(days=1),
            created_date=found.modified_date,
            modified_date=found.modified_date,
        )

    assert listed(caller, path) == [found.pk]
