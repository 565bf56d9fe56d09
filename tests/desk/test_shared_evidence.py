"""Images and bank accounts that several cases share are accepted, and shown to staff."""

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
from tests.factories import HttpClient
from tests.images.samples import as_text, image_bytes, personal_exif
from tests.storefront.api import post
from tests.storefront.routes import GUEST_OPEN_CASE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now", "media")]

IBAN = "TR330006100519786457841326"
RED, BLACK = as_text(image_bytes()), as_text(image_bytes(mode="L"))
RED_WITH_A_PLACE = as_text(image_bytes(exif=personal_exif()))
OTHER = 2


@pytest.fixture
def media(tmp_path: Path, settings: Any) -> None:
    """An empty media folder."""
    settings.MEDIA_ROOT = tmp_path / "media"


def open_case(number: str, images: Sequence[str] = (), **fields: Any) -> dict[str, Any]:
    """The case that a guest opens with these images."""
    with zeal.zeal_ignore():
        email = f"{number}@example.com"
        item = factories.items_of(factories.create_order(number=number, guest=email))[0]
        body = {
            "number": number,
            "email": email,
            "order_item": item.pk,
            "reason": factories.create_reason().pk,
            "cancellation_type": "cancel",
            "cancellation_request_image_set": [{"image": image} for image in images],
        }
        response = post(HttpClient(), GUEST_OPEN_CASE, body | fields)
    assert response.status_code == 201
    case: dict[str, Any] = response.json()
    return case


def shared_with(client: HttpClient, case: dict[str, Any]) -> list[list[int]]:
    """The cases that a case's page names, per image, and at last for its account."""
    page = page_of(client.get(f"/desk/cases/{case['id']}"))
    assert page.count("Uploaded twice in this request") in (0, 2)
    return [
        [int(pk) for pk in re.findall(r'href="/desk/cases/(\d+)"', links)]
        for links in re.findall(r"Also used in:(.*)</p>", page)
    ]


def queue_flags(client: HttpClient, case: dict[str, Any]) -> list[str]:
    """The flags of a case in the queue."""
    page = page_of(client.get("/desk/?status=all"))
    [row] = re.findall(rf'<a id="case-{case["id"]}".*?</a>', page, re.DOTALL)
    return re.findall(r'<span class="shared">([^<]+)</span>', row)


REPEATED, SHARED = "Repeated image", "Shared bank account"


def test_image_of_two_customers_is_flagged_for_staff_only() -> None:
    first, third = open_case("1", [RED]), open_case("3")
    second = open_case("2", [BLACK, RED_WITH_A_PLACE])
    client = agent()

    assert shared_with(client, first) == [[second["id"]]]
    assert shared_with(client, second) == [[first["id"]]]
    assert [queue_flags(client, case) for case in (first, second, third)] == [
        [REPEATED],
        [REPEATED],
        [],
    ]
    digests = CancellationRequestImage.objects.values_list("digest", flat=True).order_by("id")
    assert [len(digest or "") for digest in digests] == [64] * 3
    assert not [digest for digest in digests if str(digest) in f"{first}{second}"]
    own = {"id", "pk", "uuid", "order_item", "reason", "cancellation_request_image_set"}
    own |= {"modified_date"}
    assert {key: first[key] for key in first if key not in own} == {
        key: second[key] for key in second if key not in own
    }


def test_image_sent_twice_in_a_case_is_flagged() -> None:
    case = open_case("1", [RED, RED])
    client = agent()

    assert len(case["cancellation_request_image_set"]) == 2
    assert (
        page_of(client.get(f"/desk/cases/{case['id']}")).count("Uploaded twice in this request")
        == 2
    )
    assert (shared_with(client, case), queue_flags(client, case)) == ([], [REPEATED])
    assert shared_with(client, open_case("2", [RED])) == [[case["id"]]]


def test_different_images_and_images_without_digest_are_not_flagged() -> None:
    first, second = open_case("1", [RED]), open_case("2", [BLACK])
    for old in CancellationRequest.objects.all():
        factories.create_image(case=old, image=f"cases/{old.pk}.jpg")
    client = agent()
    for case in (first, second):
        assert (shared_with(client, case), queue_flags(client, case)) == ([], [])


def test_account_of_two_customers_is_flagged() -> None:
    account = {"iban": IBAN, "holder_name": "Ayla Ray"}
    first, second, third = open_case("1", **account), open_case("2", **account), open_case("3")
    client = agent(scopes=["read"])

    assert shared_with(client, first) == [[second["id"]]]
    assert shared_with(client, second) == [[first["id"]]]
    assert [queue_flags(client, case) for case in (first, second, third)] == [
        [SHARED],
        [SHARED],
        [],
    ]


def test_account_of_one_customer_in_several_cases_is_not_flagged() -> None:
    user = factories.create_customer(email="Same@example.com")
    account = {"iban": IBAN, "holder_name": "Ayla Ray", "iban_index": blind_index(IBAN)}
    with zeal.zeal_ignore():
        orders = (
            factories.create_order(number="1", customer=user),
            factories.create_order(number="2", customer=user),
        )
        guests = factories.create_order(number="3", guest="same@example.com")
        items = [factories.items_of(order)[0] for order in (*orders, guests)]
        cases = [{"id": factories.create_case(item=item, **account).pk} for item in items]
    client = agent()
    for case in cases:
        assert (shared_with(client, case), queue_flags(client, case)) == ([], [])


def test_hidden_cases_and_cases_of_other_channels_are_not_named() -> None:
    account = {"iban": IBAN, "holder_name": "Ayla Ray"}
    ours, hidden, foreign = (open_case(number, [RED], **account) for number in "123")
    CancellationRequest.objects.filter(pk=hidden["id"]).update(is_hidden=True)
    factories.create_channel(pk=OTHER)
    CancellationRequest.objects.filter(pk=foreign["id"]).update(channel=OTHER)

    alone, of_both = agent(), agent(username="bea", channels=[factories.SHOP, OTHER])

    assert (shared_with(alone, ours), queue_flags(alone, ours)) == ([], [])
    assert shared_with(of_both, ours) == [[foreign["id"]]] * 2
    assert queue_flags(of_both, ours) == [REPEATED, SHARED]


def test_newest_twenty_cases_are_named() -> None:
    with zeal.zeal_ignore():
        order = factories.create_order(
            items=[factories.item_input(remote_id=str(item)) for item in range(23)]
        )
        cases = [{"id": factories.create_case(item=item).pk} for item in factories.items_of(order)]
    for row in CancellationRequest.objects.all():
        factories.create_image(case=row, digest="0" * 64)
    case, *others = cases
    newest = [other["id"] for other in reversed(others)]
    assert shared_with(agent(), case) == [newest[:20]]


def test_query_count_of_the_queue_does_not_depend_on_flags(
    django_assert_num_queries: Any,
) -> None:
    client = agent()
    for number in range(5):
        open_case(str(number), [RED, RED], iban=IBAN, holder_name="Ayla Ray")
        with django_assert_num_queries(6):
            assert client.get("/desk/").status_code == 200
