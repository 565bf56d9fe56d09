"""Customers bring their password hashes along in an imported file."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from takeback.accounts.models import User
from takeback.importer.mapping import WrongMapping, parse_layout
from tests.factories import create_channel, create_customer
from tests.importer.files import Imported, import_file
from tests.importer.test_jsonl import document, import_lines

pytestmark = pytest.mark.django_db

PHPASS = "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"
STORED = "imported$" + PHPASS
EMAIL = "jane@example.com"
MAPPING = """
[order]
number = "{No}"
placed_at = "{Date}"
currency = "try"
[customer]
email = "{Mail}"
password_hash = "{Hash}"
[address]
line = "Long Street 1"
city = "Adana"
country = "tr"
[item]
sku = "{Sku}"
quantity = "1"
unit_price = "10.00"
"""


@pytest.fixture(autouse=True)
def _shop() -> None:
    create_channel()


def import_csv(folder: Path, *rows: str) -> Imported:
    path = folder / "orders.csv"
    path.write_text("\n".join(["No,Date,Mail,Hash,Sku", *rows]) + "\n")
    return import_file(path, parse_layout(tomllib.loads(MAPPING)))


def passwords() -> dict[str, str]:
    return dict(User.objects.values_list("email", "password"))


def test_csv_rows_bring_hashes(tmp_path: Path) -> None:
    result = import_csv(
        tmp_path,
        f"1,2026-03-01T10:00:00Z,{EMAIL},{PHPASS},A",
        f"1,2026-03-01T10:00:00Z,{EMAIL},{PHPASS},B",
        "2,2026-03-01T10:00:00Z,max@example.com,,A",
    )

    assert (result.counts, result.errors) == ((2, 0, 0, 0), [])
    assert passwords() == {EMAIL: STORED, "max@example.com": "!"}


def test_csv_row_with_an_unknown_hash_is_refused(tmp_path: Path) -> None:
    result = import_csv(tmp_path, f"1,2026-03-01T10:00:00Z,{EMAIL},secret,A")

    assert result.counts == (0, 0, 0, 1)
    (entry,) = result.lines
    assert (entry["line"], entry["number"], entry["code"]) == (2, "1", "password_hash")
    assert "$wp$2y$" in entry["reason"]
    assert "secret" not in entry["reason"]
    assert passwords() == {}


def test_csv_rows_of_an_order_must_agree_on_the_hash(tmp_path: Path) -> None:
    result = import_csv(
        tmp_path,
        f"1,2026-03-01T10:00:00Z,{EMAIL},{PHPASS},A",
        f"1,2026-03-01T10:00:00Z,{EMAIL},,B",
    )

    assert result.codes == {"rows_disagree": 2}


def test_mapping_of_guests_has_no_hash() -> None:
    layout = tomllib.loads(MAPPING.replace("[customer]", "[guest]"))

    with pytest.raises(WrongMapping, match="guests do not sign in"):
        parse_layout(layout)


def _document(number: str, **customer: Any) -> dict[str, Any]:
    return document(number, customer={"email": EMAIL, "user_type": "registered"} | customer)


def test_json_lines_bring_hashes_also_for_known_orders(tmp_path: Path) -> None:
    import_lines(tmp_path, _document("1"))
    assert passwords() == {EMAIL: "!"}

    result = import_lines(tmp_path, _document("1", password_hash=PHPASS))

    assert result.counts == (0, 0, 1, 0)
    assert passwords() == {EMAIL: STORED}


def test_import_overwrites_no_password(tmp_path: Path) -> None:
    user = create_customer(email=EMAIL)

    result = import_lines(tmp_path, _document("1", password_hash=PHPASS))

    assert result.counts == (1, 0, 0, 0)
    assert passwords() == {EMAIL: user.password}


def test_json_line_with_an_unknown_hash_is_refused(tmp_path: Path) -> None:
    result = import_lines(tmp_path, _document("1", password_hash="secret"))

    assert result.codes == {"fields": 1}
    assert result.lines[0]["reason"].startswith("customer.password_hash: This is not a password")
    assert User.objects.count() == 0
