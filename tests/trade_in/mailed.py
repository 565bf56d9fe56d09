"""Puts two offers into a running server's database and prints how to reach them, as JSON.

Run as `python -m tests.trade_in.mailed` with that server's settings: its links are signed with
its own key.
"""

import json
import sys

import django


def main() -> None:
    """One offer is reached by its mailed link, one by its owner's session."""
    django.setup()
    from takeback.trade_in.links import link
    from takeback.trade_in.statuses import Decision
    from tests import factories
    from tests.trade_in.offers import make_offer, the_offer

    owner = factories.create_customer()
    offers = [make_offer(customer=owner, number=number) for number in ("1", "2")]
    links = [link(the_offer(item), Decision.APPROVED) for item in offers]
    mailed, own = (text.partition("//")[2].partition("/")[2] for text in links)
    session = factories.create_session(owner).session_key
    told = {"mailed": mailed, "own": own.partition("?")[0], "session": session}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
