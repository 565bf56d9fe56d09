"""The tables of docs/explain/dialects.md agree with the code."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import RequestFactory

from takeback.storefront.dialect import detect_dialect
from tests import factories
from tests.channel import shop as channel_shop
from tests.storefront.routes import ROUTES, Route, Shop

pytestmark = pytest.mark.django_db

PAGE = (Path(__file__).parents[2] / "docs/explain/dialects.md").read_text()
DIALECTS = ("classic", "v3", "channel")
SINGLE, BULK = ROUTES["customer, one item"], ROUTES["customer, bulk"]


def table(heading: str) -> dict[str, list[str]]:
    """The rows of a table by their first cell."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [text.strip("| ").split(" | ") for text in section.splitlines() if text[:2] == "| "]
    return {row[0]: [cell.strip() for cell in row[1:]] for row in rows[1:]}


def cells(heading: str, row: str) -> dict[str, str]:
    """The cells of a row by their dialects, without code marks."""
    values = [cell.strip("`") for cell in table(heading)[row]]
    return dict(zip(DIALECTS, values, strict=True))


def detection_rows() -> list[tuple[str, ...]]:
    section = PAGE.partition("## Which dialect responds\n")[2].partition("\n## ")[0]
    rows = [text.strip("| ").split(" | ") for text in section.splitlines() if text[:2] == "| "]
    return [tuple(cell.strip("` ") for cell in row) for row in rows[1:]]


@pytest.mark.parametrize(("header", "keys", "setting", "dialect"), detection_rows())
def test_first_matching_row_decides(
    header: str, keys: str, setting: str, dialect: str, settings: Any
) -> None:
    bodies = {"any": ("number", "order", "x"), "neither": ("x",)}.get(keys, (keys,))
    names = ("", "other") if header.startswith("none") else (header, header.upper())
    for name in names:
        for body in bodies:
            for default in ("classic", "v3") if setting == "any" else (setting,):
                settings.STOREFRONT_DIALECT = default
                request = RequestFactory().post("/", headers={"X-Takeback-Dialect": name})
                assert detect_dialect(request, {body: "1"}) == dialect, (name, body, default)


def _open(shop: Shop, route: Route, dialect: str, **fields: Any) -> Any:
    body = shop.body(route, shop.item_body(route, **fields))
    return shop.send(route, body, {"X-Takeback-Dialect": dialect})


def _channel_case(**fields: Any) -> Any:
    item = factories.items_of(factories.create_order(number="c"))[0]
    reason = factories.create_reason(kind="cancel").pk
    body = {"order_item": item.pk, "reason": reason, "cancellation_type": "cancel"} | fields
    path = f"/api/v1/channel/{channel_shop.SHOP}/cancellation_requests/"
    client = channel_shop.client()
    return client.post(path, json.dumps(body), content_type="application/json")


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _shape(document: dict[str, Any]) -> str:
    """A refusal with placeholders for its text and code."""
    shown = re.sub(r'"(non_field_errors|detail)": "[^"]+"', r'"\1": "<text>"', _text(document))
    shown = re.sub(r'"(error_code|code)": "(?!invalid")[^"]+"', r'"\1": "<code>"', shown)
    return re.sub(r'"quantity": (\[?)"[^"]+"', r'"quantity": \1"<text>"', shown)


@pytest.mark.parametrize("dialect", ["classic", "v3"])
def test_statuses_and_shapes_of_the_storefront(dialect: str) -> None:
    shop = Shop(items=[factories.item_input(), factories.item_input(remote_id="2")])
    shapes = {row: cells("Shapes", row)[dialect] for row in table("Shapes")}
    statuses = {row: cells("Statuses", row)[dialect] for row in table("Statuses")}

    invalid = _open(shop, SINGLE, dialect, quantity="x")
    opened = _open(shop, SINGLE, dialect)
    refused = _open(shop, SINGLE, dialect)
    several = shop.send(
        BULK,
        shop.body(BULK, shop.item_body(BULK, 1)),
        {"X-Takeback-Dialect": dialect},
    )

    assert str(invalid.status_code) == statuses["invalid field"]
    assert _shape(invalid.json()) == shapes["invalid field"]
    assert str(opened.status_code) == statuses["one case opened"]
    for key in ("cancellation_type", "status"):
        assert _text(opened.json()[key]) == shapes[f"`{key}` of an opened case"]
    assert str(refused.status_code) == statuses["refused by a rule of the shop"]
    same = cells("Shapes", "refusal by a rule")["classic"]
    assert _shape(refused.json()) == same
    assert str(several.status_code) == statuses["several cases opened"]


def test_statuses_and_shapes_of_the_channel() -> None:
    shapes = {row: cells("Shapes", row)["channel"] for row in table("Shapes")}
    statuses = {row: cells("Statuses", row)["channel"] for row in table("Statuses")}

    opened = _channel_case()
    refused, invalid = _channel_case(), _channel_case(quantity="x")

    assert str(opened.status_code) == statuses["one case opened"]
    for key in ("cancellation_type", "status"):
        assert _text(opened.json()[key]) == shapes[f"`{key}` of an opened case"]
    assert str(refused.status_code) == statuses["refused by a rule of the shop"]
    assert _shape(refused.json()) == shapes["refusal by a rule"]
    assert str(invalid.status_code) == statuses["invalid field"]
    assert _shape(invalid.json()) == shapes["invalid field"]
