"""Pictures that come with an ask: at which item a fault lies, and what a refusal leaves behind."""

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
from tests.storefront.api import nothing_written, refused
from tests.storefront.routes import BULKS, WAYS, Shop, Way, everywhere

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

SET = "cancellation_request_image_set"
GOOD = {"image": as_text(image_bytes())}
HALF = {"image": as_text(image_bytes(size=(200, 200))[:400])}
KEY = {"Idempotency-Key": "a-key"}
ONE, MANY = WAYS["customer one"], WAYS["customer many"]


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> Path:
    """A media folder with a picture of somebody else's."""
    settings.MEDIA_ROOT = tmp_path / "media"
    write_image(image_bytes(), "jpg")
    return tmp_path / "media"


@pytest.fixture
def shop() -> Shop:
    """Both visitors have three lines."""
    return Shop(items=[factories.item_input(remote_id=str(number)) for number in range(3)])


def files(media: Path) -> list[str]:
    return sorted(str(path.relative_to(media)) for path in media.rglob("*") if path.is_file())


def with_pictures(shop: Shop, way: Way, line: int, *pictures: dict[str, str]) -> dict[str, Any]:
    """The least that asks for a line, and pictures of it."""
    return shop.told(way, line) | {SET: list(pictures)}


@contextmanager
def nothing_kept(media: Path) -> Iterator[None]:
    """What happens inside changes neither a table nor the folder."""
    before = files(media)
    with nothing_written():
        yield
    assert files(media) == before


def test_one_picture_too_many_is_refused_by_its_code(shop: Shop, media: Path) -> None:
    # I1
    with nothing_kept(media):
        for name, way, dialect in everywhere():
            told = [shop.told(way), with_pictures(shop, way, 1, *[GOOD] * 6)]
            at = 1 if way.is_bulk else 0
            answer = shop.send(way, shop.body(way, *told[1 - at :]), dialect)
            assert answer.status_code == 400, name
            assert (
                answer.json()
                == way.refusal(dialect, errors.TOO_MANY_IMAGES.with_values(max=5), at)[1]
            ), name


def test_too_many_pictures_do_not_hide_what_is_wrong_elsewhere(shop: Shop, media: Path) -> None:
    with nothing_kept(media):
        for name, way, dialect in everywhere(BULKS):
            told = with_pictures(shop, way, 0, *[GOOD] * 6), shop.told(way, 1, quantity="x")
            answer = shop.send(way, shop.body(way, *told), dialect)
            fault = way.fault(dialect, "quantity", "A whole number is required.", 1)
            assert (answer.status_code, answer.json()) == fault, name


@pytest.mark.parametrize("headers", [{}, KEY], ids=["plain", "with a key"])
def test_the_pictures_of_a_refused_ask_are_gone(
    headers: dict[str, str], shop: Shop, media: Path, settings: Any
) -> None:
    settings.STRICT_REASON_TYPE = True
    wrong = factories.create_reason(kind="refund").pk
    with nothing_kept(media):
        for name, way, dialect in everywhere():
            told = [with_pictures(shop, way, 0, GOOD), shop.told(way, 1, reason=wrong)]
            if not way.is_bulk:
                told = [told[0] | {"reason": wrong}]
            body = shop.body(way, *told)
            answer = shop.send(way, body, dialect, headers=headers)
            wanted = way.refusal(dialect, errors.REASON_DOES_NOT_FIT, len(told) - 1)
            assert (answer.status_code, answer.json()) == wanted, name


def test_one_that_cannot_be_read_leaves_none_of_the_others(shop: Shop, media: Path) -> None:
    # I16
    with nothing_kept(media):
        for name, way, dialect in everywhere(BULKS):
            told = [
                with_pictures(shop, way, line, *pictures)
                for line, pictures in enumerate([[GOOD, GOOD], [], [GOOD, HALF]])
            ]
            answer = shop.send(way, shop.body(way, *told), dialect)
            assert (answer.status_code, answer.json()) == way.fault(
                dialect, SET, "Send a JPEG, PNG, WebP or GIF image as base64.", 2
            ), name


def test_pictures_stay_with_their_items_and_their_words(shop: Shop) -> None:
    words = [["a", "b"], [], ["c"]]
    told = [
        with_pictures(shop, MANY, line, *(GOOD | {"description": word} for word in of_line))
        for line, of_line in enumerate(words)
    ]
    shown = shop.send(MANY, shop.body(MANY, *told)).json()
    assert [[told["description"] for told in case[SET]] for case in shown] == words


def test_a_call_that_is_only_answered_again_leaves_no_second_picture(
    shop: Shop, media: Path
) -> None:
    for way, lines in ((ONE, [0]), (MANY, [1, 2])):
        body = shop.body(way, *(with_pictures(shop, way, line, GOOD) for line in lines))
        assert shop.send(way, body, headers=KEY).status_code in {200, 201}
        with nothing_kept(media):
            again = shop.send(way, body, headers=KEY)
            assert again["Idempotent-Replayed"] == "true"
            other = shop.body(way, *(with_pictures(shop, way, line, GOOD, GOOD) for line in lines))
            refused(shop.send(way, other, headers=KEY), 422, "idempotency_key_reused")
    assert CancellationRequestImage.objects.count() == len(files(media)) - 1 == 3


class AfterTheCommit:
    """Something happens at the first question after a step that brought pictures is over."""

    def __init__(self, happens: Callable[[], None]) -> None:
        self.happens = happens
        self.brought = self.is_over = False

    def __call__(self, execute: Any, sql: str, *rest: Any) -> Any:
        if self.is_over and sql.startswith("SELECT"):
            self.happens()
        self.brought |= sql.startswith(f'INSERT INTO "{CancellationRequestImage._meta.db_table}"')
        self.is_over |= self.brought and sql.startswith("RELEASE SAVEPOINT")
        return execute(sql, *rest)


@pytest.mark.parametrize("lost", ["database", "key"])
def test_a_fault_after_the_commit_takes_no_case_its_picture(
    lost: str, shop: Shop, media: Path, settings: Any
) -> None:
    def lose() -> None:
        if lost == "database":
            raise OperationalError("connection lost")
        settings.DATA_KEYS = {}

    account = {"iban": "TR330006100519786457841326", "holder_name": "Ayla Ray"}
    with connection.execute_wrapper(AfterTheCommit(lose)):
        answer = shop.send(ONE, with_pictures(shop, ONE, 0, GOOD) | account)
    refused(answer, 503, "unavailable")
    assert CancellationRequest.objects.count() == 1
    assert CancellationRequestImage.objects.get().image in files(media)
