"""Documents of snapshots: made once for each dialect, shown again, the oldest forgotten."""

from collections.abc import Iterator

import msgspec
import pytest

from takeback.orders.queries import SnapshotRow
from takeback.storefront import snapshot_cache as snapshots
from takeback.storefront.dialect import Dialect


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    snapshots.forget()
    yield
    snapshots.forget()


def _row(number: int) -> tuple[str, SnapshotRow]:
    return "price_list", SnapshotRow(number, '{"name":"Retail","token":"secret"}')


def test_what_was_made_for_one_dialect_is_at_hand_for_that_one_only() -> None:
    made = snapshots.learn([_row(7)], Dialect.CLASSIC)

    assert made == snapshots.known({7, 8}, Dialect.CLASSIC)
    assert msgspec.json.decode(made[7]) == {"pk": 7, "name": "Retail", "token": None}
    assert snapshots.known({7}, Dialect.V3) == {}


def test_the_oldest_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "_KEPT", 2)

    snapshots.learn([_row(1)], Dialect.CLASSIC)
    snapshots.learn([_row(2), _row(3)], Dialect.CLASSIC)

    assert snapshots.known([1, 2, 3], Dialect.CLASSIC).keys() == {2, 3}
