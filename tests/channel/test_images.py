"""Images of a channel's cases: lists, filters and files."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from takeback.cancellations.models import CancellationRequest, CancellationRequestImage
from tests import factories
from tests.channel import shop
from tests.channel.case_calls import caller, cancellable_item, refused
from tests.factories import HttpClient

pytestmark = pytest.mark.django_db

IMAGES = f"/api/v1/channel/{shop.SHOP}/cancellation_request_images/"
NAME = "cases/ab/ab" + "0" * 30 + ".jpg"
MOMENT = factories.NOW.isoformat().replace("+00:00", "Z")


@pytest.fixture
def case() -> CancellationRequest:
    """A case of the channel."""
    return factories.create_case(item=cancellable_item())


@pytest.fixture
def stored(settings: Settings, tmp_path: Path) -> bytes:
    """The file in the media folder."""
    settings.MEDIA_ROOT = tmp_path
    (tmp_path / NAME).parent.mkdir(parents=True)
    (tmp_path / NAME).write_bytes(b"a picture")
    return b"a picture"


def test_image_has_a_url_that_the_same_key_can_fetch(
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


def test_image_file_needs_a_key(case: CancellationRequest, stored: bytes) -> None:
    image = factories.create_image(case=case, image=NAME)

    with refused(401, "not_authenticated") as responses:
        responses.append(HttpClient().get(f"{IMAGES}{image.pk}/file/"))


@pytest.mark.parametrize("name", ["cases/1.jpg", "../settings.py", NAME.replace("ab", "cd")])
def test_image_with_a_foreign_path_is_not_found(
    case: CancellationRequest, stored: bytes, name: str
) -> None:
    image, system = factories.create_image(case=case, image=name), caller()

    with refused(404, "not_found") as responses:
        responses.append(system.get(f"{IMAGES}{image.pk}/file/"))


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
def test_images_are_filtered(case: CancellationRequest, query: str, *, finds: bool) -> None:
    image = factories.create_image(case=case)
    filters = query.format(case=case.pk, buyer=case.order_item.order.user_id)

    rows = caller().get(f"{IMAGES}inserts_or_updates/?{filters}").json()

    assert [row["id"] for row in rows] == ([image.pk] if finds else [])


def test_image_of_the_shop_has_no_uploader(case: CancellationRequest) -> None:
    factories.create_image(case=case, is_uploaded_by_user=False)
    buyer = case.order_item.order.user_id
    system = caller()

    assert system.get(f"{IMAGES}updates/").json()[0]["uploaded_by"] is None
    assert system.get(f"{IMAGES}updates/?uploaded_by={buyer}").json() == []


@pytest.mark.parametrize("name", ["cancellation_request", "uploaded_by"])
@pytest.mark.parametrize("value", ["x", "-1", "1,2", "10" * 30])
def test_filter_that_is_no_number_is_refused(name: str, value: str) -> None:
    system = caller()

    with refused(400, "invalid", name) as responses:
        responses.append(system.get(f"{IMAGES}?{name}={value}"))


@pytest.mark.parametrize("prefix", shop.PREFIXES)
def test_images_of_other_channels_are_not_found(prefix: str, stored: bytes) -> None:
    item = factories.items_of(factories.create_order(channel_id=shop.OTHER))[0]
    foreign = factories.create_image(case=factories.create_case(item=item), image=NAME)
    gone = factories.create_image(
        case=factories.create_case(item=cancellable_item(), is_hidden=True), image=NAME
    )
    system = caller()
    path = f"{prefix}/channel/{shop.SHOP}/cancellation_request_images/"

    assert system.get(path).json()["count"] == 0
    for pk in (foreign.pk, gone.pk, 0, 10**40, "x"):
        for end in ("", "file/"):
            with refused(404, "not_found") as responses:
                responses.append(system.get(f"{path}{pk}/{end}"))


def test_list_needs_the_same_queries_for_any_length(case: CancellationRequest) -> None:
    system, costs = caller(), []
    for _ in range(2):
        factories.create_image(case=case)
        with CaptureQueriesContext(connection) as queries:
            system.get(IMAGES)
        costs.append(len(queries))

    # Key, rate limit, count, page.
    assert costs == [4, 4]
