"""Every topic of the outbox has a handler: a message without one would never be delivered."""

import ast
from pathlib import Path

from takeback.accounts import topics as staff
from takeback.cancellations.topics import Topic
from takeback.handlers.all_topics import HANDLERS
from takeback.orders.trade_in_offers import OFFERED
from takeback.refunds import topics as refunds
from takeback.shoppers import topics as customers

ROOMS = Path(__file__).parent.parent / "takeback"


def test_every_topic_has_a_handler() -> None:
    assert set(HANDLERS) == {*Topic, *customers.Topic, *staff.Topic, *refunds.Topic, OFFERED}


def test_no_room_declares_a_topic_without_a_handler() -> None:
    declared = {
        node.value
        for path in ROOMS.rglob("*.py")
        if path.name in {"topics.py", "trade_in_offers.py"}
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith(
            ("cancellation_request.", "trade_in.", "customer.", "staff.", "refund.")
        )
    }
    assert declared == set(HANDLERS)
