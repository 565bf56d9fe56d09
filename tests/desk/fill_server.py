"""Fills a live server: an agent with all scopes, and cases of guests.

A program: its argument is the number of cases, its output the agent's name and password as JSON.
"""

import json
import sys
from typing import Any

import django


def fill(count: int) -> dict[str, Any]:
    """Create cases, an order without one, and an order with refunds for each reason to look at one.

    Every third case is a return with images and an unconfirmed bank account.
    """
    from takeback.accounts.models import ApiKey
    from takeback.accounts.staff import create_staff_user
    from takeback.bank_accounts.bank_account import blind_index
    from takeback.images.store import write_image
    from takeback.orders.statuses import Status
    from tests import factories
    from tests.images.samples import image_bytes

    iban = "TR330006100519786457841326"
    factories.create_channel()
    reasons = {kind: factories.create_reason(kind=kind) for kind in ("cancel", "refund")}
    name = write_image(image_bytes(), "jpg").name
    for number in range(count):
        kind = "refund" if number % 3 == 0 else "cancel"
        status = Status.DELIVERED if kind == "refund" else Status.APPROVED
        order = factories.create_order(
            number=f"{number:06}", items=[factories.item_input(status=status)]
        )
        fields: dict[str, Any] = {"kind": kind, "reason": reasons[kind]}
        if kind == "refund":
            fields |= {"iban": iban, "holder_name": "Ayla Ray", "iban_index": blind_index(iban)}
        case = factories.create_case(item=factories.items_of(order)[0], **fields)
        if kind == "refund":
            factories.create_image(case=case, image=name, description="the seam")
    items = [
        factories.item_input(remote_id="1", quantity=3, status=Status.SHIPPED),
        factories.item_input(remote_id="2"),
    ]
    factories.create_order(number="open", items=items)
    fill_refunds()
    password = "a-long-enough-password"
    create_staff_user("ada", password=password, channel_ids=[factories.SHOP], scopes=ApiKey.SCOPES)
    return {"username": "ada", "password": password}


def fill_refunds() -> None:
    """Create a refund of one order for each reason to look at one, and a paused account."""
    from tests.refunds.rows import (
        create_account,
        create_booking,
        create_paid_order,
        create_part,
        create_waiting_refunds,
    )

    create_account(paused_because="restored")
    for refund in create_waiting_refunds(create_paid_order(number="paid")).values():
        create_part(refund=refund)
        create_booking(refund=refund, sides=[("returns:goods", 100), ("owed", -100)])


if __name__ == "__main__":
    django.setup()
    print(json.dumps(fill(int(sys.argv[1]))))  # noqa: T201 - the output of the program
