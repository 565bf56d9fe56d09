"""Images of cases over HTTP: access, headers, and refused uploads."""

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
    assert_field_errors,
    assert_refused,
    nothing_written,
    post,
    token_of,
    verify_order,
)
from tests.storefront.routes import OPEN_CASE

pytestmark = pytest.mark.django_db

IMAGES = "cancellation_request_image_set"
OTHER = "other@example.com"


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> Path:
    """An empty media folder."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def image_path(order: Any, ending: str = "jpg") -> str:
    """The path of an image of a case of this order."""
    case = factories.create_case(item=factories.items_of(order)[0])
    name = write_image(image_bytes("JPEG" if ending == "jpg" else "PNG"), ending).name
    factories.create_image(case=case, image=name)
    return f"/media/{name}"


def content_of(response: Any) -> bytes:
    return b"".join(response)


def test_image_is_served_to_its_customer_only() -> None:
    owner, other = factories.create_customer(), factories.create_customer(email=OTHER)
    path = image_path(factories.create_order(number="1", customer=owner))
    factories.create_order(number="2", guest=OTHER)
    guest = HttpClient()
    verify_order(guest, number="2", email=OTHER)

    response = factories.client_of(owner).get(path)
    assert (response.status_code, content_of(response)) == (200, image_bytes())
    for stranger in (factories.client_of(other), guest, HttpClient()):
        assert_refused(stranger.get(path), 404, "not_found")


def test_guest_reads_images_of_the_verified_order() -> None:
    visible = image_path(factories.create_order(number="1"))
    hidden = image_path(factories.create_order(number="2"))
    registered = image_path(
        factories.create_order(number="3", customer=factories.create_customer())
    )
    guest, late = HttpClient(), HttpClient()
    with time_machine.travel(factories.NOW, tick=False) as traveller:
        verify_order(guest, number="1")
        verify_order(late, number="1")
        assert content_of(guest.get(visible)) == image_bytes()
        for path in (hidden, registered):
            assert_refused(guest.get(path), 404, "not_found")
        assert_refused(HttpClient().get(visible), 404, "not_found")
        traveller.shift(timedelta(minutes=31))
        assert_refused(late.get(visible), 404, "not_found")


def test_foreign_image_gets_the_response_of_a_missing_one(media: Path) -> None:
    owner = factories.create_customer()
    path = image_path(factories.create_order(customer=owner))
    stranger = factories.client_of(factories.create_customer(email=OTHER))
    guessed = f"/media/cases/00/{'0' * 32}.jpg"
    foreign, missing, no_route = (
        stranger.get(address) for address in (path, guessed, "/nowhere/at/all")
    )
    assert foreign.content == missing.content == no_route.content
    names = [set(response.headers) - {"Allow"} for response in (foreign, missing, no_route)]
    assert names[0] == names[1] == names[2]

    (media / path.removeprefix("/media/")).unlink()
    assert_refused(factories.client_of(owner).get(path), 404, "not_found")


PATHS = [
    "cases/../../secret_key", "../secret_key", "..%2f..%2fsecret_key", "/etc/passwd", "cases/",
    "cases/ab/%2e%2e/%2e%2e/secret_key", "cases/ab/.aside", "cases/ab/ab.jpg", "%00", "cases",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_other_paths_are_refused_even_if_a_row_contains_them(path: str, media: Path) -> None:
    (media / "cases/ab").mkdir(parents=True)
    (media.parent / "secret_key").write_text("secret")
    owner = factories.create_customer()
    case = factories.create_case(item=factories.items_of(factories.create_order(customer=owner))[0])
    for name in ("cases/../../secret_key", "../secret_key"):
        factories.create_image(case=case, image=name)

    assert_refused(factories.client_of(owner).get(f"/media/{path}"), 404, "not_found")


def test_image_of_a_hidden_or_deleted_case_is_not_served() -> None:
    owner = factories.create_customer()
    path = image_path(factories.create_order(customer=owner))
    CancellationRequest.objects.update(is_hidden=True)
    assert_refused(factories.client_of(owner).get(path), 404, "not_found")
    CancellationRequestImage.objects.all().delete()
    assert_refused(factories.client_of(owner).get(path), 404, "not_found")


@pytest.mark.parametrize(("ending", "kind"), [("jpg", "image/jpeg"), ("png", "image/png")])
def test_headers_of_an_image_forbid_scripts_and_caches(ending: str, kind: str) -> None:
    owner = factories.create_customer()
    path = image_path(factories.create_order(customer=owner), ending)
    response = factories.client_of(owner).get(path, headers={"Accept": "text/html"})
    expected = {
        "Content-Type": kind,
        "Content-Disposition": "inline",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    assert {name: response[name] for name in expected} == expected
    assert content_of(response)


@pytest.fixture
def opening() -> tuple[HttpClient, dict[str, Any]]:
    """A customer, and the body of a new case without images."""
    user = factories.create_customer()
    item = factories.items_of(factories.create_order(customer=user))[0]
    body = {
        "order_item": item.pk,
        "reason": factories.create_reason().pk,
        "cancellation_type": "cancel",
    }
    return factories.client_of(user), body


Opening = tuple[HttpClient, dict[str, Any]]


def open_case(opening: Opening, images: Any, **headers: str) -> Any:
    client, body = opening
    return post(client, OPEN_CASE, body | {IMAGES: images}, headers=token_of(client) | headers)


def image_body(text: Any = None, **more: Any) -> dict[str, Any]:
    return {"image": as_text(image_bytes()) if text is None else text} | more


INVALID_IMAGES: dict[str, Any] = {
    "not base64": [image_body("!!")],
    "SVG": [image_body(as_text(b"<svg/>", "image/svg+xml"))],
    "empty": [image_body("")],
    "null": [{"image": None}],
    "number": [image_body(7)],
    "object": [image_body({"$ref": "a"})],
    "URL": [image_body("http://127.0.0.1/a.jpg")],
    "no image": [{}],
    "list of texts": ["a"],
    "list of lists": [[]],
    "object instead of a list": {"image": "a"},
    "text instead of a list": as_text(image_bytes()),
    "HTML in a JPEG": [image_body(), image_body(as_text(b"\xff\xd8\xff<html>"))],
    "truncated JPEG": [image_body(as_text(image_bytes(size=(200, 200))[:400]))],
    "description of 256 characters": [image_body(description="x" * 256)],
    "control characters in the description": [image_body(description="a\x07b")],
    "number as description": [image_body(description=5)],
}


@pytest.mark.parametrize("dialect", [CLASSIC, V3], ids=["classic", "v3"])
@pytest.mark.parametrize("name", INVALID_IMAGES)
def test_invalid_image_refuses_the_request(
    name: str, dialect: dict[str, str], opening: Opening
) -> None:
    with nothing_written():
        response = open_case(opening, INVALID_IMAGES[name], **dialect)
    assert_field_errors(response, IMAGES)


def test_five_images_with_descriptions_are_stored(opening: Opening) -> None:
    texts = ["<b>x</b>", "../../x", None, "", "مرحبا"]
    response = open_case(
        opening, [image_body(description=text, name="../../x.php") for text in texts]
    )
    assert response.status_code == 200
    documents = response.json()[IMAGES]
    assert [document["description"] for document in documents] == [
        "<b>x</b>",
        "../../x",
        None,
        None,
        "مرحبا",
    ]
    assert all("x.php" not in document["image"] for document in documents)


@pytest.mark.parametrize("images", [[], None])
def test_images_are_optional(images: Any, opening: Opening) -> None:
    assert open_case(opening, images).json()[IMAGES] == []


def test_too_large_image_is_a_field_error(opening: Opening, settings: Any) -> None:
    settings.MAX_PICTURE_BYTES = len(image_bytes()) - 1
    with nothing_written():
        response = open_case(opening, [image_body()])
    assert_field_errors(response, IMAGES)
    assert (
        response.json()[IMAGES]
        == f"This image is too large (maximum {(len(image_bytes()) - 1) // 1024} kB)."
    )


def test_images_that_are_too_large_together_are_refused(opening: Opening, settings: Any) -> None:
    settings.MAX_PICTURES_BYTES_PER_REQUEST = 2 * len(image_bytes()) - 1
    with nothing_written():
        assert_refused(open_case(opening, [image_body(), image_body()]), 413, "payload_too_large")


def test_too_large_body_is_not_read(opening: Opening, settings: Any) -> None:
    settings.MAX_PICTURE_BODY_BYTES = 1_000
    with nothing_written():
        assert_refused(open_case(opening, [image_body("A" * 1_000)]), 413, "payload_too_large")


def test_largest_request_is_accepted_and_one_more_byte_is_not(opening: Opening) -> None:
    # The default limits: 8 MiB per image, 20 MiB per request.
    padded = image_bytes() + b"\0" * (8 * 2**20 - len(image_bytes()))
    rest = image_bytes() + b"\0" * (4 * 2**20 - len(image_bytes()))
    with nothing_written():
        assert_field_errors(open_case(opening, [image_body(as_text(padded + b"\0"))]), IMAGES)
        images = [image_body(as_text(raw)) for raw in (padded, padded, rest + b"\0")]
        assert_refused(open_case(opening, images), 413, "payload_too_large")
    response = open_case(opening, [image_body(as_text(raw)) for raw in (padded, padded, rest)])
    assert response.status_code == 200
    assert CancellationRequest.objects.count() == 1


def test_unwritable_media_folder_opens_no_case(opening: Opening, media: Path) -> None:
    media.write_bytes(b"")
    with nothing_written():
        assert_refused(open_case(opening, [image_body()]), 503, "unavailable")
