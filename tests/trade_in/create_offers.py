"""Create two offers in a running server's database and print their paths as JSON.

Run `python -m tests.trade_in.create_offers` with the server's settings, because its key signs the
links.
"""

import json
import sys

import django


def main() -> None:
    """One offer has its mailed link, one its owner's session."""
    django.setup()
    from takeback.trade_in.models import Decision
    from takeback.trade_in.offers import make_link
    from tests import factories
    from tests.trade_in.factories import make_offer, the_offer

    owner = factories.create_customer()
    offers = [make_offer(customer=owner, number=number) for number in ("1", "2")]
    links = [make_link(the_offer(item), Decision.APPROVED) for item in offers]
    mailed, own = (text.partition("//")[2].partition("/")[2] for text in links)
    session = factories.create_session(owner).session_key
    paths = {"mailed": mailed, "own": own.partition("?")[0], "session": session}
    json.dump(paths, sys.stdout)


if __name__ == "__main__":
    main()
