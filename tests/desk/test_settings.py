"""Settings at the desk: shop, logo and channel, for agents with the scope admin."""

from typing import Any

import pytest
import zeal
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile

from takeback.accounts.channels import shop_brand
from takeback.accounts.models import Channel
from tests import factories
from tests.channel import shop
from tests.desk.agents import agent, code_on, page_of
from tests.desk.settings_forms import submit
from tests.factories import HttpClient
from tests.images.samples import image_bytes
from tests.storefront.api import nothing_written, token_of

pytestmark = pytest.mark.django_db

SETTINGS = f"/desk/settings/{shop.SHOP}"
PAGES = ("", "/channel", "/reasons", "/reasons/new", "/carriers", "/carriers/new", "/staff",
         "/staff/new", "/keys")  # fmt: skip


def channel() -> Channel:
    with zeal.zeal_ignore():
        return Channel.objects.get(pk=shop.SHOP)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", ["tr", "en", "de", "ar"])
def test_page_is_shown_in_each_language(page: str, language: str) -> None:
    response = agent().get(SETTINGS + page, headers={"accept-language": language})

    assert response.status_code == 200
    assert f'lang="{language}"' in page_of(response)


def test_settings_lead_to_the_first_channel() -> None:
    client = agent(channels=[shop.OTHER, shop.SHOP])

    response = client.get("/desk/settings")

    assert (response.status_code, response["Location"]) == (303, SETTINGS)
    assert f'href="/desk/settings/{shop.OTHER}"' in page_of(client.get(SETTINGS))
    assert 'href="/desk/settings"' in page_of(client.get("/desk/"))


@pytest.mark.parametrize("page", ["", *PAGES])
def test_settings_need_the_scope_admin(page: str) -> None:
    client = agent(scopes=["read", "decide", "money", "pii"])
    assert "/desk/settings" not in page_of(client.get("/desk/"))

    with nothing_written():
        for response in (client.get(SETTINGS + page), submit(client, SETTINGS + page, name="x")):
            assert (response.status_code, code_on(response)) == (403, "permission_denied")


@pytest.mark.parametrize("pk", [shop.OTHER, 0, "x", 10**40])
def test_channel_of_others_is_not_found(pk: Any) -> None:
    factories.create_channel(pk=shop.OTHER)
    client = agent()
    for page in PAGES:
        response = client.get(f"/desk/settings/{pk}{page}")
        assert (response.status_code, code_on(response)) == (404, "not_found")


def test_name_and_storefront_are_changed() -> None:
    client = agent()

    response = submit(client, SETTINGS, name=" Our shop ", storefront_url="https://shop.example/")

    assert (response.status_code, response["Location"]) == (303, f"{SETTINGS}?saved")
    assert (channel().name, channel().storefront_url) == ("Our shop", "https://shop.example")
    page = page_of(client.get(response["Location"]))
    assert 'value="Our shop"' in page
    assert "Saved." in page


@pytest.mark.parametrize(
    "form",
    [
        {"name": ""},
        {"name": "x" * 256},
        {"name": "a\u200bb"},
        {"name": "Shop", "storefront_url": "shop.example"},
        {"name": "Shop", "storefront_url": "javascript:alert(1)"},
    ],
)
def test_wrong_name_or_address_is_refused(form: dict[str, str]) -> None:
    client = agent()
    with nothing_written():
        response = submit(client, SETTINGS, **form)
    assert response.status_code == 400
    assert 'role="alert"' in page_of(response)


def upload(client: HttpClient, content: bytes | None, **fields: str) -> Any:
    """Send the form with a file, as a browser does."""
    form: dict[str, Any] = {"csrfmiddlewaretoken": token_of(client)["X-CSRFToken"], **fields}
    if content is not None:
        form["logo"] = SimpleUploadedFile("../../logo.png", content)
    return client.post(f"{SETTINGS}/logo", form)


def test_logo_is_encoded_again_and_shown_to_anyone() -> None:
    client = agent()

    response = upload(client, image_bytes("JPEG") + b"trailing bytes")

    assert (response.status_code, response["Location"]) == (303, f"{SETTINGS}?saved")
    brand = shop_brand(shop.SHOP)
    assert brand == (channel().name, f"/media/{channel().logo}")
    assert f'src="{brand.logo_url}"' in page_of(client.get(SETTINGS))
    image: Any = HttpClient().get(brand.logo_url)
    content = b"".join(image.streaming_content)
    assert (image.status_code, image["Content-Type"]) == (200, "image/jpeg")
    assert image["Cache-Control"] == "public, max-age=86400, immutable"
    assert b"trailing bytes" not in content


def test_new_logo_replaces_the_old_file_and_can_be_removed() -> None:
    client = agent()
    upload(client, image_bytes("JPEG"))
    first = django_settings.MEDIA_ROOT / channel().logo
    upload(client, image_bytes("PNG"))
    second = django_settings.MEDIA_ROOT / channel().logo
    assert (first.exists(), second.exists()) == (False, True)

    response = upload(client, None, remove="true")

    assert response.status_code == 303
    assert (channel().logo, second.exists(), shop_brand(shop.SHOP).logo_url) == ("", False, "")


@pytest.mark.parametrize("content", [None, b"", b"no image", b"<svg onload='alert(1)'></svg>"])
def test_other_files_are_no_logo(content: bytes | None) -> None:
    client = agent()
    with nothing_written():
        response = upload(client, content)
    assert response.status_code == 400
    assert "Choose a JPEG, PNG, WebP or GIF image." in page_of(response)


def test_large_logo_is_refused_before_it_is_read(settings: Any) -> None:
    client = agent()
    settings.MAX_PICTURE_BYTES = 1000
    with nothing_written():
        small = upload(client, b"\x00" * 1001)
        large = upload(client, b"\x00" * 40_000)
    assert (small.status_code, large.status_code) == (400, 413)
    assert "too large" in page_of(small)
    assert code_on(large) == "payload_too_large"


def test_logo_needs_a_token_and_its_own_form() -> None:
    client = agent()
    with nothing_written():
        forged = client.post(f"{SETTINGS}/logo", {"logo": SimpleUploadedFile("a", b"x")})
        other = submit(client, f"{SETTINGS}/logo", remove="true")
    assert forged.status_code == 303
    assert forged["Location"] == f"/desk/login?next=%2Fdesk%2Fsettings%2F{shop.SHOP}"
    assert (other.status_code, code_on(other)) == (415, "unsupported_media_type")


@pytest.mark.parametrize("name", ["logos/x", "logos/ab/../../secret", f"logos/ab/{'ab' * 16}.png"])
def test_other_names_are_no_logos(name: str) -> None:
    response = HttpClient().get(f"/media/{name}")
    assert response.status_code == 404


CHANNEL_FORM = {"customer_identifier": "email"}


def test_channel_form_keeps_keys_of_other_apps() -> None:
    first, second = factories.create_reason().pk, factories.create_reason().pk
    conf = {"app": {"a": [1]}, "cancellation_reason_id": first, "reason_mapping": {"A": first}}
    factories.create_channel(conf=conf, schema={"a": 1})
    client = agent()
    page = page_of(client.get(f"{SETTINGS}/channel"))
    assert f"A = {first}" in page
    assert "&quot;app&quot;" in page

    response = submit(
        client,
        f"{SETTINGS}/channel",
        fallback_reason=second,
        reason_mapping=f"A = {first}\r\n\r\nWRONG=SIZE = {second}",
        customer_identifier="phone_number",
        send_shipping_info="on",
        catalog="7",
        category_tree="main",
        other_conf='{"app": {"a": [1]}, "send_shipping_info": "no"}',
        schema="",
    )

    assert response.status_code == 303, page_of(response)
    stored = channel()
    assert stored.conf == {
        "app": {"a": [1]},
        "cancellation_reason_id": second,
        "reason_mapping": {"A": first, "WRONG=SIZE": second},
        "CUSTOMER_IDENTIFIER_FIELD": "phone_number",
        "send_shipping_info": True,
    }
    assert (stored.catalog, stored.category_tree, stored.schema) == (7, "main", {})


@pytest.mark.parametrize(
    "form",
    [
        {"customer_identifier": "name"},
        {"fallback_reason": "999999"},
        {"fallback_reason": "x"},
        {"reason_mapping": "A"},
        {"reason_mapping": "A = B"},
        {"reason_mapping": "A = 999999"},
        {"catalog": "-1"},
        {"other_conf": "[]"},
        {"other_conf": "{"},
        {"other_conf": "[" * 10_000},
        {"schema": '{"a": "\\u0000"}'},
        {"schema": '"text"'},
    ],
)
def test_wrong_channel_settings_are_refused(form: dict[str, str]) -> None:
    client = agent()
    with nothing_written():
        response = submit(client, f"{SETTINGS}/channel", **CHANNEL_FORM | form)
    assert response.status_code == 400
    assert 'role="alert"' in page_of(response)
