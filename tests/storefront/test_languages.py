"""Answers in the caller's language: labels change with it, codes and digits never."""

import time
from typing import Any

import pytest
from django.utils import translation

from takeback.core.middleware import best_language
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import look_up, post

pytestmark = pytest.mark.django_db

SPOKEN = [
    ("tr-tr", "tr"), ("tr", "tr"), ("TR-TR", "tr"), ("en-us", "en"), ("de-AT", "de"),
    ("ar;q=1.0", "ar"), ("fr, de;q=0.5", "de"), ("fr;q=0.9, tr;q=0.5, de;q=0.7", "de"),
    (" tr-tr ", "tr"), ("de, tr;q=0", "de"),
]  # fmt: skip
WRONG_IN_TURKISH = "Hatal\u0131 ürün"
NOT_SPOKEN = [
    "undefined", "xx", "", "xx-yy", "../tr", "tr;q=abc", "*", ";;;", "tr\u00fc", "q=1", "-",
    ",".join(["xx-yy;q=0.1"] * 340), "x" * 4_096,
]  # fmt: skip


def status_label(header: str) -> str:
    """What a guest reads of an approved order."""
    answer = look_up(headers={"Accept-Language": header})
    assert answer.status_code == 200
    return str(answer.json()[0]["status"]["label"])


def told(language: str, text: str) -> str:
    """A text of ours in a language."""
    with translation.override(language):
        return translation.gettext(text)


@pytest.mark.parametrize(("header", "language"), SPOKEN)
def test_a_language_of_ours_is_spoken(header: str, language: str) -> None:
    factories.create_order()
    answer = look_up(headers={"Accept-Language": header})

    assert answer["Content-Language"] == language
    assert answer.json()[0]["status"] == {"value": "400", "label": told(language, "Approved")}


@pytest.mark.parametrize("header", NOT_SPOKEN, ids=lambda text: text[:20])
def test_whoever_names_no_language_of_ours_hears_the_shop_s(header: str, settings: Any) -> None:
    # T27
    factories.create_order()
    answer = look_up(headers={"Accept-Language": header})

    assert answer.status_code == 200
    assert answer["Content-Language"] == settings.LANGUAGE_CODE == "en"
    assert answer.json()[0]["status"]["label"] == "Approved"


def test_the_shop_s_own_language_is_a_setting(settings: Any) -> None:
    settings.LANGUAGE_CODE = "de"

    assert (
        HttpClient().get("/csrf_token/", headers={"Accept-Language": "xx"})["Content-Language"]
        == "de"
    )


def test_the_four_languages_have_four_words() -> None:
    factories.create_order()
    words = {language: status_label(language) for language in ("tr", "en", "de", "ar")}

    assert words["en"] == "Approved"
    assert len(set(words.values())) == 4, words


def test_refusals_are_in_the_caller_s_language_and_keep_their_code() -> None:
    told_in = {}
    for language in ("tr", "en", "de", "ar"):
        answer = look_up(number=language, headers={"Accept-Language": language})
        assert answer.json()["error_code"] == "order_lookup_100_1"
        told_in[answer.json()["non_field_errors"]] = language

    assert len(told_in) == 4


def test_field_errors_are_in_the_caller_s_language() -> None:
    texts = {
        post(
            HttpClient(), "/users/orders/anonymous/", {"number": "1"},
            headers={"Accept-Language": language},
        ).json()["email"][0]
        for language in ("tr", "en", "de", "ar")
    }  # fmt: skip

    assert len(texts) == 4


def test_digits_and_codes_stay_as_they_are_in_arabic() -> None:
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
def test_a_reason_s_subject_is_in_the_caller_s_language(header: str, subject: str) -> None:
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


def test_a_thousand_different_headers_cost_little_and_keep_nothing() -> None:
    # T26
    HttpClient().get("/csrf_token/")
    started = time.process_time()
    for number in range(1_000):
        assert best_language(f"x{number}-yy, " * 300) == "en"

    assert (time.process_time() - started) / 1_000 < 0.005
