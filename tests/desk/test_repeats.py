"""Rows I23 and C28: a picture or an account that others have sent is let in, and staff are told."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import zeal

from takeback.bank_accounts.bank_account import blind_index
from takeback.cancellations.models import CancellationRequest, CancellationRequestImage
from tests import factories
from tests.desk.agents import agent, page_of
from tests.factories import Visitor
from tests.images.samples import as_text, photo, telling_exif
from tests.storefront.api import post
from tests.storefront.routes import GUEST_OPEN_CASE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now", "media")]

IBAN = "TR330006100519786457841326"
RED, BLACK = as_text(photo()), as_text(photo(mode="L"))
RED_WITH_A_PLACE = as_text(photo(exif=telling_exif()))
OTHER = 2


@pytest.fixture
def media(tmp_path: Path, settings: Any) -> None:
    """An empty media folder."""
    settings.MEDIA_ROOT = tmp_path / "media"


def asked(number: str, pictures: Sequence[str] = (), **fields: Any) -> dict[str, Any]:
    """What a guest is answered who sends these pictures of the line of an order of their own."""
    with zeal.zeal_ignore():
        email = f"{number}@example.com"
        item = factories.items_of(factories.make_order(number=number, guest=email))[0]
        body = {
            "number": number,
            "email": email,
            "order_item": item.pk,
            "reason": factories.make_reason().pk,
            "cancellation_type": "cancel",
            "cancellation_request_image_set": [{"image": picture} for picture in pictures],
        }
        answer = post(Visitor(), GUEST_OPEN_CASE, body | fields)
    assert answer.status_code == 201
    told: dict[str, Any] = answer.json()
    return told


def also_in(client: Visitor, case: dict[str, Any]) -> list[list[int]]:
    """The cases that a case's page names, by picture and, last, for its account."""
    page = page_of(client.get(f"/desk/cases/{case['id']}"))
    assert page.count("Twice in this request") in (0, 2)
    return [
        [int(pk) for pk in re.findall(r'href="/desk/cases/(\d+)"', told)]
        for told in re.findall(r"Also in:(.*)</p>", page)
    ]


def flags(client: Visitor, case: dict[str, Any]) -> list[str]:
    """What the queue says of a case."""
    page = page_of(client.get("/desk/?status=all"))
    [row] = re.findall(rf'<a id="case-{case["id"]}".*?</a>', page, re.DOTALL)
    return re.findall(r'<span class="alike">([^<]+)</span>', row)


REPEATED, SHARED = "Repeated picture", "Shared bank account"


def test_a_picture_of_two_customers_is_let_in_alike_and_told_to_staff_only() -> None:
    first, third = asked("1", [RED]), asked("3")
    second = asked("2", [BLACK, RED_WITH_A_PLACE])
    client = agent()

    assert also_in(client, first) == [[second["id"]]]
    assert also_in(client, second) == [[first["id"]]]
    assert [flags(client, case) for case in (first, second, third)] == [[REPEATED], [REPEATED], []]
    digests = CancellationRequestImage.objects.values_list("digest", flat=True).order_by("id")
    assert [len(digest or "") for digest in digests] == [64] * 3
    assert not [digest for digest in digests if str(digest) in f"{first}{second}"]
    own = {"id", "pk", "uuid", "order_item", "reason", "cancellation_request_image_set"}
    assert {key: first[key] for key in first if key not in own} == {
        key: second[key] for key in second if key not in own
    }


def test_a_picture_that_comes_twice_in_a_case_is_kept_twice_and_told_to_staff() -> None:
    case = asked("1", [RED, RED])
    client = agent()

    assert len(case["cancellation_request_image_set"]) == 2
    assert page_of(client.get(f"/desk/cases/{case['id']}")).count("Twice in this request") == 2
    assert (also_in(client, case), flags(client, case)) == ([], [REPEATED])
    assert also_in(client, asked("2", [RED])) == [[case["id"]]]


def test_different_pictures_and_those_from_before_digests_are_no_repeats() -> None:
    first, second = asked("1", [RED]), asked("2", [BLACK])
    for old in CancellationRequest.objects.all():
        factories.make_image(case=old, image=f"cases/{old.pk}.jpg")
    client = agent()
    for case in (first, second):
        assert (also_in(client, case), flags(client, case)) == ([], [])


def test_an_account_that_another_customer_names_is_told_to_staff() -> None:
    # C28; what the shopper is answered is tested where accounts are.
    account = {"iban": IBAN, "holder_name": "Ayla Ray"}
    first, second, third = asked("1", **account), asked("2", **account), asked("3")
    client = agent(scopes=["read"])

    assert also_in(client, first) == [[second["id"]]]
    assert also_in(client, second) == [[first["id"]]]
    assert [flags(client, case) for case in (first, second, third)] == [[SHARED], [SHARED], []]


def test_a_customer_may_name_their_own_account_again_as_a_guest_too() -> None:
    user = factories.make_customer(email="Same@example.com")
    told = {"iban": IBAN, "holder_name": "Ayla Ray", "iban_index": blind_index(IBAN)}
    with zeal.zeal_ignore():
        orders = (
            factories.make_order(number="1", customer=user),
            factories.make_order(number="2", customer=user),
        )
        guests = factories.make_order(number="3", guest="same@example.com")
        lines = [factories.items_of(order)[0] for order in (*orders, guests)]
        cases = [{"id": factories.make_request(item=line, **told).pk} for line in lines]
    client = agent()
    for case in cases:
        assert (also_in(client, case), flags(client, case)) == ([], [])


def test_what_an_agent_may_not_see_is_not_named() -> None:
    # P20
    account = {"iban": IBAN, "holder_name": "Ayla Ray"}
    ours, hidden, foreign = (asked(number, [RED], **account) for number in "123")
    CancellationRequest.objects.filter(pk=hidden["id"]).update(is_hidden=True)
    factories.make_channel(pk=OTHER)
    CancellationRequest.objects.filter(pk=foreign["id"]).update(channel=OTHER)

    alone, of_both = agent(), agent(username="bea", channels=[factories.SHOP, OTHER])

    assert (also_in(alone, ours), flags(alone, ours)) == ([], [])
    assert also_in(of_both, ours) == [[foreign["id"]]] * 2
    assert flags(of_both, ours) == [REPEATED, SHARED]


def test_no_more_than_twenty_others_are_named_the_newest_first() -> None:
    with zeal.zeal_ignore():
        order = factories.make_order(
            items=[factories.item_in(remote_id=str(line)) for line in range(23)]
        )
        cases = [{"id": factories.make_request(item=item).pk} for item in factories.items_of(order)]
    for row in CancellationRequest.objects.all():
        factories.make_image(case=row, digest="0" * 64)
    case, *others = cases
    newest = [other["id"] for other in reversed(others)]
    assert also_in(agent(), case) == [newest[:20]]


def test_a_queue_asks_as_much_however_many_repeats_it_shows(
    django_assert_num_queries: Any,
) -> None:
    client = agent()
    for number in range(5):
        asked(str(number), [RED, RED], iban=IBAN, holder_name="Ayla Ray")
        with django_assert_num_queries(5):
            assert client.get("/desk/").status_code == 200
