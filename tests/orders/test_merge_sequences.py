"""Random orders, received again in any order, against a small model of what must remain."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from takeback.orders.merge import Changes, StoredOrder, merge
from takeback.orders.order_input import ItemIn, OrderIn
from tests.conftest import CI, LONG
from tests.factories import item_input, order_input
from tests.orders.stored import NOW, applied, stored

SEQUENCES = 500_000 if LONG else 10_000 if CI else 250
"""Of each of the two tests. A seed replays its sequence."""
CHUNKS = 2
STEPS = 3

CODES = (200, 400, 450, 500, 520, 545, 550, 600, 100)
_RANKS = {200: 0, 400: 1, 450: 2, 500: 3, 520: 3, 545: 3, 550: 4}


def follows(before: int, after: int) -> bool:
    """The life cycle, written down once more."""
    if before in (100, 600):
        return before == after
    if after == 600:
        return True
    return _RANKS[before] < _RANKS[500] if after == 100 else _RANKS[after] >= _RANKS[before]


@dataclass
class ModelItem:
    """What is known of an item."""

    status: int
    shipped: Any
    delivered: Any
    texts: dict[str, Any]
    quantity: int
    goods: int
    elsewhere: int


@dataclass
class Model:
    """What is known of an order."""

    items: dict[str, ModelItem] = field(default_factory=dict)
    elsewhere: int = 0

    def receive(self, order: OrderIn) -> None:
        """An accepted order."""
        self.elsewhere = max(self.elsewhere, order.refunded_elsewhere_minor or 0)
        for item in order.items:
            known = self.items.get(item.remote_id)
            if known is None:
                lowest = 200 if item.status else 400
                known = ModelItem(lowest, None, None, {}, 0, 0, 0)
                self.items[item.remote_id] = known
            self._receive_item(known, item)

    def _receive_item(self, known: ModelItem, item: ItemIn) -> None:
        known.quantity, known.goods = item.quantity, item.goods_minor
        known.shipped = known.shipped or item.shipped_date
        known.delivered = known.delivered or item.delivered_date
        known.elsewhere = max(known.elsewhere, item.refunded_elsewhere_quantity or 0)
        for name in ("tracking_number", "invoice_number"):
            known.texts[name] = getattr(item, name) or known.texts.get(name)
        if item.status and follows(known.status, item.status):
            known.status = item.status
            if item.status == 550:
                known.delivered = known.delivered or max(NOW, known.shipped or NOW)
            if 500 <= item.status <= 550:
                known.shipped = known.shipped or min(NOW, known.delivered or NOW)


def facts(order: StoredOrder) -> Model:
    """The same of a stored order."""
    model = Model(elsewhere=order.refunded_elsewhere_minor)
    for item in order.items:
        row = item.parts[0].values
        model.items[item.remote_id] = ModelItem(
            item.parts[0].status,
            row["shipped_date"],
            row["delivered_date"],
            {name: row[name] for name in ("tracking_number", "invoice_number")},
            item.totals.quantity,
            item.totals.goods,
            item.totals.elsewhere,
        )
    return model


def _maybe(random: Random, value: Any) -> Any:
    return value if random.random() < 0.4 else None


def _item(random: Random, remote_id: str, quantity: int = 3, goods: int = 1000) -> ItemIn:
    return item_input(
        remote_id=remote_id,
        sku=f"S{remote_id}",
        quantity=quantity,
        goods_minor=goods,
        status=_maybe(random, random.choice(CODES)),
        shipped_date=_maybe(random, NOW - timedelta(hours=random.randrange(60))),
        delivered_date=_maybe(random, NOW - timedelta(hours=random.randrange(40))),
        tracking_number=_maybe(random, random.choice("TUV")),
        invoice_number=_maybe(random, random.choice("IJ")),
        refunded_elsewhere_quantity=_maybe(random, random.randrange(min(quantity, 3) + 1)),
    )


def _payload(random: Random, model: Model) -> OrderIn:
    """An order with some of the known items, sometimes with an addition."""
    items = [
        _item(random, remote_id, known.quantity, known.goods)
        for remote_id, known in model.items.items()
        if random.random() < 0.8
    ]
    kind = random.random()
    before = sum(known.goods for known in model.items.values())
    added = 0
    if items and kind < 0.1:
        added = random.randrange(1, 999)
        items[0].quantity += 1
        items[0].goods_minor += added
    if not items or kind > 0.9:
        new = _item(random, str(len(model.items) + 1), 1, random.randrange(1, 999))
        items.append(new)
        added += new.goods_minor
    return order_input(
        items=items,
        amount_minor=before + added if added else _maybe(random, before),
        refunded_elsewhere_minor=_maybe(random, random.randrange(900)),
    )


def _first(random: Random) -> tuple[StoredOrder, Model]:
    items = [replace(_item(random, name), tracking_number=None) for name in "12"]
    order = order_input(items=items)
    model = Model()
    model.receive(order)
    before = stored(order)
    assert facts(before) == model
    return before, model


def _receive(before: StoredOrder, order: OrderIn, seed: int) -> StoredOrder:
    changes = merge(before, order, by_sku=False, now=NOW)
    assert isinstance(changes, Changes), (seed, changes)
    return applied(before, order, changes)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_received_orders_leave_what_the_model_expects(chunk: int) -> None:
    for seed in range(chunk, SEQUENCES, CHUNKS):
        random = Random(seed)
        order, model = _first(random)
        for _ in range(STEPS):
            payload = _payload(random, model)
            model.receive(payload)
            order = _receive(order, payload, seed)
            assert facts(order) == model, seed
            goods = sum(known.goods for known in model.items.values())
            assert order.totals.amount == goods, seed
            # Merging the same order again changes nothing.
            again = merge(order, payload, by_sku=False, now=NOW)
            assert isinstance(again, Changes), seed
            assert (again.order, again.parts, again.addition) == ({}, {}, None), seed


def _view(random: Random, truth: OrderIn, statuses: dict[str, int | None]) -> OrderIn:
    """Some fields of a true order, with statuses of their own."""
    left_out = random.choice(("1", "2", "neither"))
    items = [
        replace(
            item,
            status=statuses[item.remote_id],
            tracking_number=_maybe(random, item.tracking_number),
            invoice_number=_maybe(random, item.invoice_number),
            refunded_elsewhere_quantity=_maybe(random, random.randrange(4)),
            # A sender that knows the status knows the dates.
            shipped_date=item.shipped_date if statuses[item.remote_id] else None,
            delivered_date=item.delivered_date if statuses[item.remote_id] else None,
        )
        for item in truth.items
        if item.remote_id != left_out
    ]
    elsewhere = _maybe(random, random.randrange(900))
    return replace(truth, items=items, refunded_elsewhere_minor=elsewhere)


def _start(random: Random) -> StoredOrder:
    """A stored order whose items have a status and nothing else."""
    statuses = {name: random.choice((200, 400, 450)) for name in "12"}
    return stored(
        order_input(
            items=[
                item_input(remote_id=n, sku=f"S{n}", quantity=3, status=statuses[n]) for n in "12"
            ]
        )
    )


def _later(status: int, other: int) -> set[int]:
    """The statuses at which an item may end that is reported at these two."""
    # An end is final, and goods in transit move both ways: there the sequence decides.
    is_open = status in _RANKS and other in _RANKS and _RANKS[status] != _RANKS[other]
    return {max(status, other, key=_RANKS.__getitem__)} if is_open else {status, other}


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_two_orders_end_equal_in_either_order(chunk: int) -> None:
    for seed in range(chunk, SEQUENCES, CHUNKS):
        random = Random(seed)
        truth, start = order_input(items=[_item(random, name) for name in "12"]), _start(random)
        ours: dict[str, int | None] = {name: _maybe(random, random.choice(CODES)) for name in "12"}
        are_equal = random.random() < 0.5
        theirs: dict[str, int | None] = {
            name: random.choice((ours[name], None)) if are_equal else random.choice(CODES[3:])
            for name in "12"
        }
        views = _view(random, truth, ours), _view(random, truth, theirs)
        forth = _receive(_receive(start, views[0], seed), views[1], seed)
        back = _receive(_receive(start, views[1], seed), views[0], seed)
        if are_equal:
            assert forth == back, seed
        for position, name in enumerate("12"):
            sent = [row.status for view in views for row in view.items if row.remote_id == name]
            reported = [status for status in sent if status]
            ends = {order.items[position].parts[0].status for order in (forth, back)}
            before = start.items[position].parts[0].status
            if len(reported) == 2 and all(follows(before, status) for status in reported):
                assert ends <= _later(reported[0], reported[1]), seed
