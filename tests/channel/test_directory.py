"""Routes without a channel: the channels of a key, and the content types."""

from typing import Any

import pytest

from takeback.accounts.models import Channel
from tests.channel import shop
from tests.channel.sync import send
from tests.channel.test_access import ABSENT

pytestmark = pytest.mark.django_db


def test_channels_of_a_key_include_inactive_ones() -> None:
    text = shop.key(channels=[shop.SHOP, shop.OTHER])
    shop.key(channels=[3])
    conf = {"reason_mapping": {"iptal": 5}}
    Channel.objects.filter(pk=shop.OTHER).update(is_active=False, conf=conf)
    caller = shop.client(text)

    listed = send(caller, "GET", "/api/v1/channels/").json()
    channel = send(caller, "GET", f"/api/v1/channels/{shop.OTHER}/").json()

    assert (listed["count"], listed["next"]) == (2, None)
    assert [entry["pk"] for entry in listed["results"]] == [shop.SHOP, shop.OTHER]
    assert listed["results"][1] == channel
    row = Channel.objects.get(pk=shop.OTHER)
    moments = {name: channel.pop(name) for name in ("created_date", "modified_date")}
    assert all(moment.endswith("Z") for moment in moments.values())
    assert channel == {
        "pk": shop.OTHER,
        "id": shop.OTHER,
        "name": row.name,
        "storefront_url": "",
        "channel_type": "web",
        "catalog": None,
        "category_tree": None,
        "conf": conf,
        "schema": {},
        "is_active": False,
    }


@pytest.mark.parametrize("pk", [0, -1, "abc", 10**40, 2**63, "1%00", 3, 77])
def test_other_channel_is_not_found(pk: Any) -> None:
    shop.key(channels=[3])

    response = send(shop.client(), "GET", f"/api/v1/channels/{pk}/")

    assert (response.status_code, response.json()) == (404, ABSENT)


def test_content_types_are_filtered_by_model() -> None:
    caller = shop.client()

    page = send(caller, "GET", "/api/v1/content_types/?page=1&model=cancellationrequest").json()
    everything = send(caller, "GET", "/api/v1/content_types/?limit=100").json()

    assert page == {
        "count": 1,
        "next": None,
        "previous": None,
        "results": [{"id": 3, "pk": 3, "model": "cancellationrequest"}],
    }
    assert send(caller, "GET", "/api/v1/content_types/?model=user").json()["results"] == []
    assert {row["model"]: row["id"] for row in everything["results"]} == {
        "order": 1,
        "orderitem": 2,
        "cancellationrequest": 3,
        "channel": 4,
        "batchrequest": 5,
        "integrationaction": 6,
        "product": 7,
        "productprice": 8,
        "productstock": 9,
        "productimage": 10,
        "productcategory": 11,
        "categorytree": 12,
        "categorynode": 13,
    }
