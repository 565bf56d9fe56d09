"""Changing the settings of a channel by its API, and shared reasons."""

from typing import Any

import pytest
import time_machine

from takeback.accounts.models import Channel
from takeback.cancellations.models import CancellationReason
from tests import factories
from tests.cancellations.factories import LATER
from tests.channel import shop
from tests.channel.case_calls import caller, refused, send
from tests.storefront.api import nothing_written

pytestmark = pytest.mark.django_db

CHANNEL = f"/api/v1/channels/{shop.SHOP}/"
REASONS = f"/api/v1/channel/{shop.SHOP}/cancellation_reasons/"


def test_settings_are_changed_and_read_back() -> None:
    system, reason = caller("admin"), factories.create_reason().pk
    change = {
        "name": "Our shop",
        "catalog": 7,
        "category_tree": "main",
        "schema": {"setting": {"data_type": "bool"}},
        "conf": {
            "cancellation_reason_id": reason,
            "reason_mapping": {"WRONG_SIZE": reason},
            "CUSTOMER_IDENTIFIER_FIELD": "phone_number",
            "send_shipping_info": True,
            "key_of_another_app": {"a": [1, 2.5, None]},
        },
    }

    with time_machine.travel(LATER, tick=False):
        url = "https://shop.example.com/"
        response = send(system, "PATCH", CHANNEL, change | {"storefront_url": url, "pk": 9})

    document = response.json()
    assert response.status_code == 200, response.content
    assert change.items() <= document.items()
    assert document["storefront_url"] == "https://shop.example.com"
    assert system.get(CHANNEL).json() == document
    assert Channel.objects.get().modified_date == LATER


def test_only_sent_settings_change_and_same_ones_write_nothing() -> None:
    factories.create_channel(conf={"other": 1}, category_tree="main")
    system = caller("admin")

    document = send(system, "PATCH", CHANNEL, {"name": "New", "category_tree": None}).json()
    assert (document["name"], document["conf"], document["category_tree"]) == (
        "New",
        {"other": 1},
        None,
    )
    with nothing_written():
        assert send(system, "PATCH", CHANNEL, document).json() == document


@pytest.mark.parametrize(
    "conf",
    [
        {"cancellation_reason_id": "ten"},
        {"cancellation_reason_id": 0},
        {"cancellation_reason_id": True},
        {"cancellation_reason_id": 999_999},
        {"reason_mapping": ["A"]},
        {"reason_mapping": {"A": "B"}},
        {"reason_mapping": {"": 1}},
        {"reason_mapping": {"A": 999_999}},
        {"reason_mapping": {str(number): 1 for number in range(501)}},
        {"CUSTOMER_IDENTIFIER_FIELD": "name"},
        {"CUSTOMER_IDENTIFIER_FIELD": ["email"]},
        {"send_shipping_info": "yes"},
        {"reason_mapping": {"A": "1" * 30}},
        {"other": "x" * 33_000},
        [],
        "{}",
        None,
    ],
)
def test_wrong_conf_is_refused(conf: Any) -> None:
    system = caller("admin")

    with refused(400, "invalid", "conf") as responses:
        responses.append(send(system, "PATCH", CHANNEL, {"conf": conf}))


def test_refusal_of_a_conf_names_every_wrong_key() -> None:
    conf = {"send_shipping_info": 1, "CUSTOMER_IDENTIFIER_FIELD": "name"}

    response = send(caller("admin"), "PATCH", CHANNEL, {"conf": conf})

    assert response.json()["conf"] == [
        "CUSTOMER_IDENTIFIER_FIELD: send “email” or “phone_number”.",
        "send_shipping_info: send true or false.",
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("name", "x" * 256),
        ("storefront_url", "shop.example.com"),
        ("storefront_url", "javascript:alert(1)"),
        ("storefront_url", "https://" + "x" * 500),
        ("catalog", "x"),
        ("catalog", 2**63),
        ("category_tree", "x" * 256),
        ("schema", []),
    ],
)
def test_wrong_setting_is_refused_with_its_field(field: str, value: Any) -> None:
    system = caller("admin")

    with refused(400, "invalid", field) as responses:
        responses.append(send(system, "PATCH", CHANNEL, {field: value}))


@pytest.mark.parametrize("field", ["conf", "schema"])
def test_nul_in_a_setting_is_refused(field: str) -> None:
    system = caller("admin")

    with refused(400, "malformed_json") as responses:
        responses.append(send(system, "PATCH", CHANNEL, {field: {"key": "a\u0000b"}}))


def test_settings_need_the_scope_admin() -> None:
    system = caller("money", "pii")

    with refused(403, "permission_denied") as responses:
        responses.append(send(system, "PATCH", CHANNEL, {"name": "New"}))


def test_channel_without_this_key_is_not_found() -> None:
    factories.create_channel(pk=shop.OTHER)
    system = caller("admin")

    with refused(404, "not_found") as responses:
        responses.append(send(system, "PATCH", f"/api/v1/channels/{shop.OTHER}/", {"name": "x"}))


def test_shared_reason_is_changed_with_admin_in_all_active_channels() -> None:
    shared, system = factories.create_reason(), caller("admin")
    other = factories.create_channel(pk=shop.OTHER)
    path = f"{REASONS}{shared.pk}/"

    with refused(403, "shared_reason") as responses:
        responses.append(send(system, "PATCH", path, {"subject": "New"}))

    other.is_active = False
    other.save()
    assert send(system, "PATCH", path, {"subject": "New"}).json()["subject"] == "New"


@pytest.mark.parametrize("body", [{}, {"translations": {}}, {"cancellation_type": "refund"}])
def test_reason_without_subject_and_language_is_refused(body: dict[str, Any]) -> None:
    system = caller()

    with refused(400, "invalid", "subject") as responses:
        responses.append(send(system, "POST", REASONS, body))
    assert responses[0].json()["subject"] == [
        "Send a subject, or translations with a subject in at least one language."
    ]


def test_subject_of_a_reason_comes_from_its_languages() -> None:
    languages = {"tr": {"subject": "Fikir"}, "en": {"subject": "Late"}}

    response = send(caller(), "POST", REASONS, {"translations": languages})

    assert (response.status_code, response.json()["subject"]) == (201, "Late")
    assert CancellationReason.objects.get().translations == languages
