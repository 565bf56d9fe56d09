"""Responses in the language of the request: labels are translated, codes and digits are not."""

from typing import Any

import pytest
from django.utils import translation

from takeback.core.middleware import best_language
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import look_up, post

pytestmark = pytest.mark.django_db

SUPPORTED = [
    ("tr-tr", "tr"), ("tr", "tr"), ("TR-TR", "tr"), ("en-us", "en"), ("de-AT", "de"),
    ("ar;q=1.0", "ar"), ("fr, de;q=0.5", "de"), ("fr;q=0.9, tr;q=0.5, de;q=0.7", "de"),
    (" tr-tr ", "tr"), ("de, tr;q=0", "de"),
]  # fmt: skip
WRONG_IN_TURKISH = "Hatal\u0131 ürün"
UNSUPPORTED = [
    "undefined", "xx", "", "xx-yy", "../tr", "tr;q=abc", "*", ";;;", "tr\u00fc", "q=1", "-",
    ",".join(["xx-yy;q=0.1"] * 340), "x" * 4_096,
]  # fmt: skip


def status_label(header: str) -> str:
    """The label of the status of an approved order."""
    response = look_up(headers={"Accept-Language": header})
    assert response.status_code == 200
    return str(response.json()[0]["status"]["label"])


def translated(language: str, text: str) -> str:
    """The translation of a text."""
    with translation.override(language):
        return translation.gettext(text)


@pytest.mark.parametrize(("header", "language"), SUPPORTED)
def test_supported_language_is_used(header: str, language: str) -> None:
    factories.create_order()
    response = look_up(headers={"Accept-Language": header})

    assert response["Content-Language"] == language
    assert response.json()[0]["status"] == {
        "value": "400",
        "label": translated(language, "Approved"),
    }


@pytest.mark.parametrize("header", UNSUPPORTED, ids=lambda text: text[:20])
def test_unsupported_language_falls_back_to_the_shop_s(header: str, settings: Any) -> None:
    factories.create_order()
    response = look_up(headers={"Accept-Language": header})

    assert response.status_code == 200
    assert response["Content-Language"] == settings.LANGUAGE_CODE == "en"
    assert response.json()[0]["status"]["label"] == "Approved"


def test_language_of_the_shop_is_a_setting(settings: Any) -> None:
    settings.LANGUAGE_CODE = "de"

    assert (
        HttpClient().get("/csrf_token/", headers={"Accept-Language": "xx"})["Content-Language"]
        == "de"
    )


def test_label_differs_in_the_four_languages() -> None:
    factories.create_order()
    words = {language: status_label(language) for language in ("tr", "en", "de", "ar")}

    assert words["en"] == "Approved"
    assert len(set(words.values())) == 4, words


def test_refusal_is_translated_and_its_code_is_not() -> None:
    languages = {}
    for language in ("tr", "en", "de", "ar"):
        response = look_up(number=language, headers={"Accept-Language": language})
        assert response.json()["error_code"] == "order_lookup_100_1"
        languages[response.json()["non_field_errors"]] = language

    assert len(languages) == 4


def test_field_errors_are_translated() -> None:
    texts = {
        post(
            HttpClient(), "/users/orders/anonymous/", {"number": "1"},
            headers={"Accept-Language": language},
        ).json()["email"][0]
        for language in ("tr", "en", "de", "ar")
    }  # fmt: skip

    assert len(texts) == 4


def test_digits_and_codes_are_not_translated() -> None:
    factories.create_order()
    english = look_up(headers={"Accept-Language": "en"}).json()[0]
    arabic = look_up(headers={"Accept-Language": "ar"}).json()[0]

    assert arabic["amount"] == "10.00"
    assert arabic["created_date"] == english["created_date"]
    assert arabic["status"]["value"] == "400"
    assert arabic["currency"] == english["currency"]


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        ("tr-tr", WRONG_IN_TURKISH), ("tr", WRONG_IN_TURKISH), ("en-us", "Wrong product"),
        ("de", "Own words"), ("undefined", "Wrong product"),
    ],
)  # fmt: skip
def test_subject_of_a_reason_is_translated(header: str, subject: str) -> None:
    factories.create_channel()
    factories.create_reason(
        subject="Own words",
        translations={
            "en-us": {"subject": "Wrong product"},
            "tr": {"subject": WRONG_IN_TURKISH},
        },
    )

    path = "/users/orders/cancellation_reasons/"
    (reason,) = HttpClient().get(path, headers={"Accept-Language": header}).json()["results"]

    assert reason["subject"] == subject


def test_long_header_is_read_up_to_a_limit() -> None:
    """Parsing takes time in proportion to what is read."""
    unsupported = "xx-yy;q=1.0, "
    assert best_language(unsupported * 15 + "tr") == "tr"
    assert best_language(unsupported * 16 + "tr") == "en"
