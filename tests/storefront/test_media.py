"""Pictures over HTTP: who sees them, how they come, and which calls that bring some are refused."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from takeback.cancellations.models import CancellationRequest, CancellationRequestImage
from takeback.images.store import write_image
from tests import factories
from tests.factories import HttpClient
from tests.images.samples import as_text, image_bytes
from tests.storefront.api import (
    CLASSIC,
    V3,
    field_refused,
    nothing_written,
    post,
    prove,
    refused,
    token_of,
)

pytestmark = pytest.mark.django_db

ASK = "/users/orders/cancellation_requests/"
SET = "cancellation_request_image_set"
OTHER = "other@example.com"


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> Path:
    """An empty media folder."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def picture_of(order: Any, ending: str = "jpg") -> str:
    """The address of a picture of a case of this order."""
    case = factories.create_case(item=factories.items_of(order)[0])
    name = write_image(image_bytes("JPEG" if ending == "jpg" else "PNG"), ending).name
    factories.create_image(case=case, image=name)
    return f"/media/{name}"


def body_of(answer: Any) -> bytes:
    return b"".join(answer)


def test_a_picture_is_its_customers_and_nobody_elses() -> None:
    # I21
    owner, other = factories.create_customer(), factories.create_customer(email=OTHER)
    path = picture_of(factories.create_order(number="1", customer=owner))
    factories.create_order(number="2", guest=OTHER)
    guest = HttpClient()
    prove(guest, number="2", email=OTHER)

    answer = factories.client_of(owner).get(path)
    assert (answer.status_code, body_of(answer)) == (200, image_bytes())
    for stranger in (factories.client_of(other), guest, HttpClient()):
        refused(stranger.get(path), 404, "not_found")


def test_a_guest_sees_the_pictures_of_the_order_they_proved() -> None:
    # I21
    seen = picture_of(factories.create_order(number="1"))
    unseen = picture_of(factories.create_order(number="2"))
    registered = picture_of(
        factories.create_order(number="3", customer=factories.create_customer())
    )
    guest, late = HttpClient(), HttpClient()
    with time_machine.travel(factories.NOW, tick=False) as traveller:
        prove(guest, number="1")
        prove(late, number="1")
        assert body_of(guest.get(seen)) == image_bytes()
        for path in (unseen, registered):
            refused(guest.get(path), 404, "not_found")
        refused(HttpClient().get(seen), 404, "not_found")
        traveller.shift(timedelta(minutes=31))
        refused(late.get(seen), 404, "not_found")


def test_nobody_can_tell_a_foreign_picture_from_one_that_is_not_there(media: Path) -> None:
    # I21
    owner = factories.create_customer()
    path = picture_of(factories.create_order(customer=owner))
    stranger = factories.client_of(factories.create_customer(email=OTHER))
    guessed = f"/media/cases/00/{'0' * 32}.jpg"
    foreign, missing, no_route = (
        stranger.get(address) for address in (path, guessed, "/nowhere/at/all")
    )
    assert foreign.content == missing.content == no_route.content
    told = [set(answer.headers) - {"Allow"} for answer in (foreign, missing, no_route)]
    assert told[0] == told[1] == told[2]

    (media / path.removeprefix("/media/")).unlink()
    refused(factories.client_of(owner).get(path), 404, "not_found")


PATHS = [
    "cases/../../secret_key", "../secret_key", "..%2f..%2fsecret_key", "/etc/passwd", "cases/",
    "cases/ab/%2e%2e/%2e%2e/secret_key", "cases/ab/.aside", "cases/ab/ab.jpg", "%00", "cases",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_other_paths_lead_nowhere_even_when_a_row_names_them(path: str, media: Path) -> None:
    # I21
    (media / "cases/ab").mkdir(parents=True)
    (media.parent / "secret_key").write_text("secret")
    owner = factories.create_customer()
    case = factories.create_case(item=factories.items_of(factories.create_order(customer=owner))[0])
    for name in ("cases/../../secret_key", "../secret_key"):
        factories.create_image(case=case, image=name)

    refused(factories.client_of(owner).get(f"/media/{path}"), 404, "not_found")


def test_a_picture_of_a_case_that_is_gone_is_gone() -> None:
    # I21
    owner = factories.create_customer()
    path = picture_of(factories.create_order(customer=owner))
    CancellationRequest.objects.update(is_hidden=True)
    refused(factories.client_of(owner).get(path), 404, "not_found")
    CancellationRequestImage.objects.all().delete()
    refused(factories.client_of(owner).get(path), 404, "not_found")


@pytest.mark.parametrize(("ending", "kind"), [("jpg", "image/jpeg"), ("png", "image/png")])
def test_a_picture_comes_as_nothing_but_a_picture(ending: str, kind: str) -> None:
    # I22
    owner = factories.create_customer()
    path = picture_of(factories.create_order(customer=owner), ending)
    answer = factories.client_of(owner).get(path, headers={"Accept": "text/html"})
    told = {
        "Content-Type": kind,
        "Content-Disposition": "inline",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    assert {name: answer[name] for name in told} == told
    assert body_of(answer)


@pytest.fixture
def asker() -> tuple[HttpClient, dict[str, Any]]:
    """A customer, and a body to which only the pictures are missing."""
    user = factories.create_customer()
    item = factories.items_of(factories.create_order(customer=user))[0]
    body = {
        "order_item": item.pk,
        "reason": factories.create_reason().pk,
        "cancellation_type": "cancel",
    }
    return factories.client_of(user), body


Asked = tuple[HttpClient, dict[str, Any]]


def ask(asker: Asked, pictures: Any, **headers: str) -> Any:
    client, body = asker
    return post(client, ASK, body | {SET: pictures}, headers=token_of(client) | headers)


def image(text: Any = None, **more: Any) -> dict[str, Any]:
    return {"image": as_text(image_bytes()) if text is None else text} | more


NO_SET: dict[str, Any] = {
    "I2": [image("!!")],
    "I3": [image(as_text(b"<svg/>", "image/svg+xml"))],
    "I4 empty": [image("")],
    "I4 null": [{"image": None}],
    "I4 number": [image(7)],
    "I4 object": [image({"$ref": "a"})],
    "I4 address": [image("http://127.0.0.1/a.jpg")],
    "I4 nothing": [{}],
    "I4 no object": ["a"],
    "I4 a list": [[]],
    "I4 no list": {"image": "a"},
    "I4 text": as_text(image_bytes()),
    "I6": [image(), image(as_text(b"\xff\xd8\xff<html>"))],
    "I16": [image(as_text(image_bytes(size=(200, 200))[:400]))],
    "I19 256 characters": [image(description="x" * 256)],
    "I19 control characters": [image(description="a\x07b")],
    "I19 a number": [image(description=5)],
}


@pytest.mark.parametrize("dialect", [CLASSIC, V3], ids=["classic", "v3"])
@pytest.mark.parametrize("name", NO_SET)
def test_a_call_with_something_that_is_no_picture_is_refused_whole(
    name: str, dialect: dict[str, str], asker: Asked
) -> None:
    with nothing_written():
        answer = ask(asker, NO_SET[name], **dialect)
    field_refused(answer, SET)


def test_five_pictures_with_any_words_are_kept(asker: Asked) -> None:
    # I1, I19
    words = ["<b>x</b>", "../../x", None, "", "مرحبا"]
    answer = ask(asker, [image(description=text, name="../../x.php") for text in words])
    assert answer.status_code == 200
    shown = answer.json()[SET]
    assert [told["description"] for told in shown] == ["<b>x</b>", "../../x", None, None, "مرحبا"]
    assert all("x.php" not in told["image"] for told in shown)


@pytest.mark.parametrize("pictures", [[], None])
def test_no_pictures_are_none(pictures: Any, asker: Asked) -> None:
    assert ask(asker, pictures).json()[SET] == []


def test_a_large_picture_is_its_fields_fault(asker: Asked, settings: Any) -> None:
    # I17
    settings.MAX_PICTURE_BYTES = len(image_bytes()) - 1
    with nothing_written():
        answer = ask(asker, [image()])
    field_refused(answer, SET)
    assert (
        answer.json()[SET]
        == f"This image is too large (maximum {settings.MAX_PICTURE_BYTES // 1024} kB)."
    )


def test_pictures_that_are_too_large_together_are_refused_as_a_whole(
    asker: Asked, settings: Any
) -> None:
    # I17
    settings.MAX_PICTURES_BYTES_PER_REQUEST = 2 * len(image_bytes()) - 1
    with nothing_written():
        refused(ask(asker, [image(), image()]), 413, "payload_too_large")


def test_a_body_that_is_too_large_is_not_even_read(asker: Asked, settings: Any) -> None:
    # B-11, I17
    settings.MAX_PICTURE_BODY_BYTES = 1_000
    with nothing_written():
        refused(ask(asker, [image("A" * 1_000)]), 413, "payload_too_large")


def test_the_largest_call_is_read_and_one_byte_more_is_not(asker: Asked) -> None:
    # I17, with the limits as they are: 8 MiB a picture, 20 MiB together.
    padded = image_bytes() + b"\0" * (8 * 2**20 - len(image_bytes()))
    rest = image_bytes() + b"\0" * (4 * 2**20 - len(image_bytes()))
    with nothing_written():
        field_refused(ask(asker, [image(as_text(padded + b"\0"))]), SET)
        whole = [image(as_text(raw)) for raw in (padded, padded, rest + b"\0")]
        refused(ask(asker, whole), 413, "payload_too_large")
    answer = ask(asker, [image(as_text(raw)) for raw in (padded, padded, rest)])
    assert answer.status_code == 200
    assert CancellationRequest.objects.count() == 1


def test_a_disk_that_takes_nothing_leaves_no_case(asker: Asked, media: Path) -> None:
    # I24
    media.write_bytes(b"")
    with nothing_written():
        refused(ask(asker, [image()]), 503, "unavailable")
