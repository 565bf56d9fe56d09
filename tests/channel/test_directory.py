"""What a system asks for before it knows a channel: its channels, and the kinds of objects."""

from typing import Any

import pytest

from takeback.accounts.models import Channel
from tests.channel import shop
from tests.channel.sync import call
from tests.channel.test_access import ABSENT

pytestmark = pytest.mark.django_db


def test_the_channels_of_a_key_are_shown_closed_ones_too() -> None:
    text = shop.key(channels=[shop.SHOP, shop.OTHER])
    shop.key(channels=[3])
    conf = {"reason_mapping": {"iptal": 5}}
    Channel.objects.filter(pk=shop.OTHER).update(is_active=False, conf=conf)
    caller = shop.client(text)

    listed = call(caller, "GET", "/api/v1/channels/").json()
    one = call(caller, "GET", f"/api/v1/channels/{shop.OTHER}/").json()

    assert (listed["count"], listed["next"]) == (2, None)
    assert [each["pk"] for each in listed["results"]] == [shop.SHOP, shop.OTHER]
    assert listed["results"][1] == one
    row = Channel.objects.get(pk=shop.OTHER)
    moments = {name: one.pop(name) for name in ("created_date", "modified_date")}
    assert all(moment.endswith("Z") for moment in moments.values())
    assert one == {
        "pk": shop.OTHER,
        "id": shop.OTHER,
        "name": row.name,
        "channel_type": "web",
        "catalog": None,
        "category_tree": None,
        "conf": conf,
        "schema": {},
        "is_active": False,
    }


@pytest.mark.parametrize("pk", [0, -1, "abc", 10**40, 2**63, "1%00", 3, 77])
def test_a_channel_that_is_not_the_keys_is_not_there(pk: Any) -> None:
    shop.key(channels=[3])

    answer = call(shop.client(), "GET", f"/api/v1/channels/{pk}/")

    assert (answer.status_code, answer.json()) == (404, ABSENT)


def test_kinds_are_found_by_their_name() -> None:
    caller = shop.client()

    found = call(caller, "GET", "/api/v1/content_types/?page=1&model=cancellationrequest").json()
    everything = call(caller, "GET", "/api/v1/content_types/?limit=100").json()

    assert found == {
        "count": 1,
        "next": None,
        "previous": None,
        "results": [{"id": 3, "pk": 3, "model": "cancellationrequest"}],
    }
    assert call(caller, "GET", "/api/v1/content_types/?model=user").json()["results"] == []
    assert {each["model"]: each["id"] for each in everything["results"]} == {
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
