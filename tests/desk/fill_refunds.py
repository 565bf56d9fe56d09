"""Fills a live server with a refund that needs a second person: a program without arguments.

Two agents may pay; the first one requested the refund. Their password is that of all test agents.
"""

import django


def fill() -> None:
    """Create two agents, an order and its planned refund."""
    from takeback.accounts.models import ApiKey
    from takeback.accounts.staff import create_staff_user
    from takeback.core.actor import ActorKind
    from tests import factories
    from tests.refunds.rows import (
        create_account,
        create_paid_order,
        create_part,
        create_refund,
    )

    factories.create_channel()
    ada, _bea = (
        create_staff_user(
            name,
            password=factories.PASSWORD,
            channel_ids=[factories.SHOP],
            scopes=ApiKey.SCOPES,
        )
        for name in ("ada", "bea")
    )
    create_account()
    order = create_paid_order(number="R-1")
    factories.create_case(item=factories.items_of(order)[0])
    refund = create_refund(
        order=order,
        needs_second_person=True,
        requested_by_kind=ActorKind.STAFF.value,
        requested_by_number=ada,
    )
    create_part(refund=refund)


if __name__ == "__main__":
    django.setup()
    fill()
