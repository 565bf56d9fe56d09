"""Images of new cases: errors by item, and removal after a refusal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from takeback.cancellations import errors
from takeback.cancellations.models import CancellationRequest, CancellationRequestImage
from takeback.images.store import write_image
from tests import factories
from tests.images.samples import as_text, image_bytes
from tests.storefront.api import assert_refused, nothing_written
from tests.storefront.routes import BULK_ROUTES, ROUTES, Route, Shop, in_both_dialects

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

SET = "cancellation_request_image_set"
GOOD = {"image": as_text(image_bytes())}
HALF = {"image": as_text(image_bytes(size=(200, 200))[:400])}
KEY = {"Idempotency-Key": "a-key"}
OPEN_CASE, OPEN_CASES = ROUTES["customer, one item"], ROUTES["customer, bulk"]


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> Path:
    """A media folder with an image of another case."""
    settings.MEDIA_ROOT = tmp_path / "media"
    write_image(image_bytes(), "jpg")
    return tmp_path / "media"


@pytest.fixture
def shop() -> Shop:
    """Both orders have three items."""
    return Shop(items=[factories.item_input(remote_id=str(number)) for number in range(3)])


def files(media: Path) -> list[str]:
    return sorted(str(path.relative_to(media)) for path in media.rglob("*") if path.is_file())


def with_images(shop: Shop, route: Route, index: int, *images: dict[str, str]) -> dict[str, Any]:
    """The required fields of an item, and its images."""
    return shop.item_body(route, index) | {SET: list(images)}


@contextmanager
def nothing_stored(media: Path) -> Iterator[None]:
    """Checks that the block changes neither a table nor the folder."""
    before = files(media)
    with nothing_written():
        yield
    assert files(media) == before


TOO_MANY = errors.TOO_MANY_IMAGES.with_values(max=5)


def test_sixth_image_of_an_item_is_refused(shop: Shop, media: Path) -> None:
    with nothing_stored(media):
        for name, route, dialect in in_both_dialects():
            bodies = [shop.item_body(route), with_images(shop, route, 1, *[GOOD] * 6)]
            position = 1 if route.is_bulk else 0
            response = shop.send(route, shop.body(route, *bodies[1 - position :]), dialect)
            assert response.status_code == 400, name
            assert response.json() == route.refusal(dialect, TOO_MANY, position)[1], name


def test_field_errors_come_before_the_number_of_images(shop: Shop, media: Path) -> None:
    with nothing_stored(media):
        for name, route, dialect in in_both_dialects(BULK_ROUTES):
            bodies = (
                with_images(shop, route, 0, *[GOOD] * 6),
                shop.item_body(route, 1, quantity="x"),
            )
            response = shop.send(route, shop.body(route, *bodies), dialect)
            expected = route.field_error(dialect, "quantity", "A whole number is required.", 1)
            assert (response.status_code, response.json()) == expected, name


@pytest.mark.parametrize("headers", [{}, KEY], ids=["plain", "with a key"])
def test_images_of_a_refused_request_are_removed(
    headers: dict[str, str], shop: Shop, media: Path, settings: Any
) -> None:
    settings.STRICT_REASON_TYPE = True
    wrong = factories.create_reason(kind="refund").pk
    with nothing_stored(media):
        for name, route, dialect in in_both_dialects():
            bodies = [with_images(shop, route, 0, GOOD), shop.item_body(route, 1, reason=wrong)]
            if not route.is_bulk:
                bodies = [bodies[0] | {"reason": wrong}]
            body = shop.body(route, *bodies)
            response = shop.send(route, body, dialect, headers=headers)
            expected = route.refusal(dialect, errors.REASON_DOES_NOT_FIT, len(bodies) - 1)
            assert (response.status_code, response.json()) == expected, name


def test_unreadable_image_removes_all_images(shop: Shop, media: Path) -> None:
    with nothing_stored(media):
        for name, route, dialect in in_both_dialects(BULK_ROUTES):
            bodies = [
                with_images(shop, route, index, *images)
                for index, images in enumerate([[GOOD, GOOD], [], [GOOD, HALF]])
            ]
            response = shop.send(route, shop.body(route, *bodies), dialect)
            assert (response.status_code, response.json()) == route.field_error(
                dialect, SET, "Send a JPEG, PNG, WebP or GIF image as base64.", 2
            ), name


def test_images_keep_their_item_and_description(shop: Shop) -> None:
    texts = [["a", "b"], [], ["c"]]
    bodies = [
        with_images(
            shop, OPEN_CASES, index, *(GOOD | {"description": text} for text in descriptions)
        )
        for index, descriptions in enumerate(texts)
    ]
    shown = shop.send(OPEN_CASES, shop.body(OPEN_CASES, *bodies)).json()
    assert [[image["description"] for image in case[SET]] for case in shown] == texts


def test_repeated_request_stores_no_second_image(shop: Shop, media: Path) -> None:
    for route, indexes in ((OPEN_CASE, [0]), (OPEN_CASES, [1, 2])):
        body = shop.body(route, *(with_images(shop, route, index, GOOD) for index in indexes))
        assert shop.send(route, body, headers=KEY).status_code in {200, 201}
        with nothing_stored(media):
            again = shop.send(route, body, headers=KEY)
            assert again["Idempotent-Replayed"] == "true"
            other = shop.body(
                route, *(with_images(shop, route, index, GOOD, GOOD) for index in indexes)
            )
            assert_refused(shop.send(route, other, headers=KEY), 422, "idempotency_key_reused")
    assert CancellationRequestImage.objects.count() == len(files(media)) - 1 == 3


class AfterTheCommit:
    """Calls a function at the first query after the savepoint that inserts images is released."""

    def __init__(self, happens: Callable[[], None]) -> None:
        self.happens = happens
        self.has_images = self.is_over = False

    def __call__(self, execute: Any, sql: str, *rest: Any) -> Any:
        if self.is_over and sql.startswith("SELECT"):
            self.happens()
        self.has_images |= sql.startswith(
            f'INSERT INTO "{CancellationRequestImage._meta.db_table}"'
        )
        self.is_over |= self.has_images and sql.startswith("RELEASE SAVEPOINT")
        return execute(sql, *rest)


@pytest.mark.parametrize("lost", ["database", "key"])
def test_error_after_the_commit_keeps_the_images_of_the_case(
    lost: str, shop: Shop, media: Path, settings: Any
) -> None:
    def lose() -> None:
        if lost == "database":
            raise OperationalError("connection lost")
        settings.DATA_KEYS = {}

    account = {"iban": "TR330006100519786457841326", "holder_name": "Ayla Ray"}
    with connection.execute_wrapper(AfterTheCommit(lose)):
        response = shop.send(OPEN_CASE, with_images(shop, OPEN_CASE, 0, GOOD) | account)
    assert_refused(response, 503, "unavailable")
    assert CancellationRequest.objects.count() == 1
    assert CancellationRequestImage.objects.get().image in files(media)
