"""Made-up exports of six shop systems are imported whole, with the mappings of the project."""

import tomllib
from pathlib import Path

import pytest

from takeback.importer.mapping import Layout, parse_layout
from takeback.importer.propose import propose_mapping, ready_mapping
from takeback.orders.models import Order, OrderItem
from takeback.orders.statuses import Status
from tests.factories import create_channel
from tests.importer.files import import_file
from tests.importer.sample_exports import (
    BACK,
    COUNT,
    ENDED,
    SHAPES,
    STATUSES,
    ExportedOrder,
    exported_orders,
)

pytestmark = pytest.mark.django_db

WITHOUT_REFUNDS = {"amazon"}
"""Exports that name no refunds."""
WITHOUT_REFUNDED_UNITS = {"amazon", "shopify", "woocommerce-packed"}
OTHER_STATUSES = {("amazon", "paid"): Status.PREPARING}


@pytest.fixture(autouse=True)
def _shop() -> None:
    create_channel()


def layout_of(shop: str) -> Layout:
    return parse_layout(tomllib.loads(ready_mapping(shop)))


def expected_total(shop: str, index: int, order: ExportedOrder) -> int:
    """What the export says was paid: Amazon's cancelled orders have no amount."""
    if shop == "amazon" and order.state == ENDED:
        return 0
    return order.total + (index % 2 if shop == "prestashop" else 0)


@pytest.mark.parametrize("shop", SHAPES)
def test_an_export_is_imported_whole(tmp_path: Path, shop: str) -> None:
    orders = exported_orders(7)
    path = tmp_path / "orders.csv"
    path.write_text(SHAPES[shop](orders), encoding="utf-8")

    result = import_file(path, layout_of(shop))

    assert (result.lines, result.counts) == ([], (COUNT, 0, 0, 0))
    stored = list(Order.objects.order_by("id"))
    assert [order.amount_minor for order in stored] == [
        expected_total(shop, index, order) for index, order in enumerate(orders)
    ]
    assert [order.status for order in stored] == [
        OTHER_STATUSES.get((shop, order.state), STATUSES[order.state]) for order in orders
    ]
    assert not OrderItem.objects.filter(status=Status.DELIVERED).exists()
    assert not OrderItem.objects.filter(delivered_date__isnull=False).exists()
    assert import_file(path, layout_of(shop)).counts == (0, 0, COUNT, 0)


@pytest.mark.parametrize("shop", sorted(SHAPES.keys() - WITHOUT_REFUNDS))
def test_refunds_of_an_export_are_stored(tmp_path: Path, shop: str) -> None:
    orders = exported_orders(7)
    path = tmp_path / "orders.csv"
    path.write_text(SHAPES[shop](orders), encoding="utf-8")

    import_file(path, layout_of(shop))

    refunds = Order.objects.order_by("id").values_list("refunded_elsewhere_minor", flat=True)
    cents = [index % 2 if shop == "prestashop" else 0 for index in range(COUNT)]
    assert list(refunds) == [
        order.refunded + (cent if order.state == BACK else 0)
        for order, cent in zip(orders, cents, strict=True)
    ]
    units = OrderItem.objects.order_by("id").values_list("refunded_elsewhere_quantity", flat=True)
    known = shop not in WITHOUT_REFUNDED_UNITS
    assert list(units) == [
        item.refunded_units if known or order.state == BACK else 0
        for order in orders
        for item in order.items
    ]


def test_orders_of_an_export_have_a_guest_each_without_an_email_address(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(SHAPES["amazon"](exported_orders(7)), encoding="utf-8")

    import_file(path, layout_of("amazon"))

    assert set(Order.objects.values_list("user_type", "user_email")) == {("guest", "")}
    assert Order.objects.values("user").distinct().count() == COUNT


@pytest.mark.parametrize("shop", SHAPES)
def test_an_export_is_recognised_by_its_header(tmp_path: Path, shop: str) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(SHAPES[shop](exported_orders(7)), encoding="utf-8")

    proposed = propose_mapping(path)

    assert proposed.startswith(f"# The ready mapping for {shop}.")
    assert parse_layout(tomllib.loads(proposed)) == layout_of(shop)


def test_a_proposal_leaves_out_the_columns_that_the_file_has_not(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    text = SHAPES["shopify"](exported_orders(7)).replace("Refunded Amount", "Tags")
    path.write_text(text.replace("Lineitem sku", "Vendor").replace(",", ";"), encoding="cp1252")

    proposed = propose_mapping(path)

    lines = proposed.splitlines()
    assert 'delimiter = ";"' in lines
    assert '# not in this file: refunded = "{Refunded Amount}"' in lines
    assert 'sku = ["{Lineitem name}"]' in lines
    assert import_file(path, parse_layout(tomllib.loads(proposed))).counts[0] == COUNT


def test_an_unknown_header_is_guessed_from_its_words(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        "Bestellnummer;Bestelldatum;E-Mail;Straße;Ort;Land;Artikelnummer;Menge;Preis;Währung\n"
        "1;01.03.2026 10:00;a@example.com;Weg 1;Köln;DE;A;1;9,90;EUR\n",
        encoding="cp1252",
    )

    proposed = propose_mapping(path)

    assert import_file(path, parse_layout(tomllib.loads(proposed))).counts == (1, 0, 0, 0)
    document = tomllib.loads(proposed)
    assert (document["decimal"], document["encoding"]) == (",", "cp1252")
    assert document["time_format"] == "%d.%m.%Y %H:%M"


def test_a_guess_names_what_it_has_not_found(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("Order Number,Something\n1,x\n")

    assert '# needed, no column found: placed_at = ""' in propose_mapping(path).splitlines()
