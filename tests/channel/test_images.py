"""Pictures of a channel's cases: listed, found and fetched with a key."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from takeback.cancellations.models import CancellationRequest, CancellationRequestImage
from tests import factories
from tests.channel import shop
from tests.channel.case_calls import caller, item, refused
from tests.factories import HttpClient

pytestmark = pytest.mark.django_db

IMAGES = f"/api/v1/channel/{shop.SHOP}/cancellation_request_images/"
NAME = "cases/ab/ab" + "0" * 30 + ".jpg"
MOMENT = factories.NOW.isoformat().replace("+00:00", "Z")


@pytest.fixture
def case() -> CancellationRequest:
    """A case of the channel."""
    return factories.create_case(item=item())


@pytest.fixture
def stored(settings: Settings, tmp_path: Path) -> bytes:
    """What lies in the media folder under the picture's name."""
    settings.MEDIA_ROOT = tmp_path
    (tmp_path / NAME).parent.mkdir(parents=True)
    (tmp_path / NAME).write_bytes(b"a picture")
    return b"a picture"


def test_a_picture_is_shown_with_an_address_that_the_key_may_fetch(
    case: CancellationRequest, stored: bytes, settings: Settings
) -> None:
    settings.SITE_URL = "https://shop.example.com"
    image = factories.create_image(case=case, image=NAME, description="the seam")
    system = caller()

    shown = system.get(f"{IMAGES}{image.pk}/").json()

    assert shown == {
        "id": image.pk,
        "pk": image.pk,
        "cancellation_request": case.pk,
        "image": f"https://shop.example.com{IMAGES}{image.pk}/file/",
        "description": "the seam",
        "attributes": {},
        "uploaded_by": case.order_item.order.user_id,
        "is_uploaded_by_user": True,
        "created_date": MOMENT,
        "modified_date": MOMENT,
    }
    fetched = system.get(shown["image"].removeprefix("https://shop.example.com"))
    assert (fetched.status_code, b"".join(fetched.streaming_content)) == (200, stored)  # type: ignore[attr-defined]
    assert fetched.headers["Content-Type"] == "image/jpeg"
    assert fetched.headers["Content-Disposition"] == "inline"
    assert fetched.headers["Cache-Control"] == "private, no-store"
    assert fetched.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert fetched.headers["X-Content-Type-Options"] == "nosniff"


def test_without_a_key_nothing_is_fetched(case: CancellationRequest, stored: bytes) -> None:
    image = factories.create_image(case=case, image=NAME)

    with refused(401, "not_authenticated") as answers:
        answers.append(HttpClient().get(f"{IMAGES}{image.pk}/file/"))


@pytest.mark.parametrize("name", ["cases/1.jpg", "../settings.py", NAME.replace("ab", "cd")])
def test_what_is_no_picture_of_ours_is_not_looked_for(
    case: CancellationRequest, stored: bytes, name: str
) -> None:
    image, system = factories.create_image(case=case, image=name), caller()

    with refused(404, "not_found") as answers:
        answers.append(system.get(f"{IMAGES}{image.pk}/file/"))


def test_lists(case: CancellationRequest) -> None:
    first, second = (factories.create_image(case=case) for _ in range(2))
    later = factories.NOW + timedelta(hours=1)
    CancellationRequestImage.objects.filter(pk=first.pk).update(modified_date=later)
    system = caller()

    page = system.get(IMAGES).json()

    assert (page["count"], page["next"]) == (2, None)
    assert [row["id"] for row in page["results"]] == [second.pk, first.pk]
    for name in ("updates", "inserts_or_updates"):
        rows = system.get(f"{IMAGES}{name}/").json()
        assert [row["id"] for row in rows] == [first.pk, second.pk]
        assert system.get(f"{IMAGES}{name}/?limit=1&page=2").json() == [rows[1]]
        assert system.get(f"{IMAGES}{name}/?page=3").json() == []


@pytest.mark.parametrize(
    ("query", "finds"),
    [
        ("cancellation_request={case}", True),
        ("cancellation_request=999999", False),
        ("uploaded_by={buyer}", True),
        ("uploaded_by=999999", False),
        ("attributes=x", False),
        ("unknown=1", True),
    ],
)
def test_pictures_are_found_by(case: CancellationRequest, query: str, *, finds: bool) -> None:
    image = factories.create_image(case=case)
    told = query.format(case=case.pk, buyer=case.order_item.order.user_id)

    found = caller().get(f"{IMAGES}inserts_or_updates/?{told}").json()

    assert [row["id"] for row in found] == ([image.pk] if finds else [])


def test_the_shops_own_picture_was_uploaded_by_no_customer(case: CancellationRequest) -> None:
    factories.create_image(case=case, is_uploaded_by_user=False)
    buyer = case.order_item.order.user_id
    system = caller()

    assert system.get(f"{IMAGES}updates/").json()[0]["uploaded_by"] is None
    assert system.get(f"{IMAGES}updates/?uploaded_by={buyer}").json() == []


@pytest.mark.parametrize("name", ["cancellation_request", "uploaded_by"])
@pytest.mark.parametrize("value", ["x", "-1", "1,2", "10" * 30])
def test_a_filter_that_is_no_number_is_refused(name: str, value: str) -> None:
    system = caller()

    with refused(400, "invalid", name) as answers:
        answers.append(system.get(f"{IMAGES}?{name}={value}"))


@pytest.mark.parametrize("prefix", shop.PREFIXES)
def test_another_channels_pictures_are_not_there(prefix: str, stored: bytes) -> None:
    line = factories.items_of(factories.create_order(channel_id=shop.OTHER))[0]
    foreign = factories.create_image(case=factories.create_case(item=line), image=NAME)
    gone = factories.create_image(
        case=factories.create_case(item=item(), is_hidden=True), image=NAME
    )
    system = caller()
    path = f"{prefix}/channel/{shop.SHOP}/cancellation_request_images/"

    assert system.get(path).json()["count"] == 0
    for pk in (foreign.pk, gone.pk, 0, 10**40, "x"):
        for end in ("", "file/"):
            with refused(404, "not_found") as answers:
                answers.append(system.get(f"{path}{pk}/{end}"))


def test_a_list_costs_the_same_whatever_its_length(case: CancellationRequest) -> None:
    system, costs = caller(), []
    for _ in range(2):
        factories.create_image(case=case)
        with CaptureQueriesContext(connection) as seen:
            system.get(IMAGES)
        costs.append(len(seen))

    # The key and its use, how many there are, and a page of them.
    assert costs == [4, 4]
