"""Every message finds somebody: a topic without a handler would wait for ever."""

import ast
from pathlib import Path

from takeback.cancellations.topics import Topic as OfCase
from takeback.handlers.registry import HANDLERS
from takeback.orders.trade_in_offers import OFFERED
from takeback.trade_in.topics import Topic as OfTradeIn

ROOMS = Path(__file__).parent.parent / "takeback"


def test_every_topic_has_a_handler() -> None:
    assert set(HANDLERS) == {*(topic.value for topic in (*OfCase, *OfTradeIn)), OFFERED}


def test_no_room_tells_of_a_topic_that_the_wiring_does_not_know() -> None:
    declared = {
        node.value
        for path in ROOMS.rglob("*.py")
        if path.name in {"topics.py", "trade_in_offers.py"}
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith(("cancellation_request.", "trade_in."))
    }
    assert declared == set(HANDLERS)
