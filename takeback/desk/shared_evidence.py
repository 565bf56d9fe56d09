"""What other cases have, too: the same picture, or the bank account of somebody else.

Neither is forbidden, and whoever asks learns nothing of it: it is for staff to look at.
"""

from collections.abc import Collection
from typing import Any

from takeback.cancellations.models import CancellationRequest
from takeback.desk import queries


def shared_evidence(channel_ids: Collection[int], case: CancellationRequest) -> dict[str, Any]:
    """A case's pictures and its account, each with the cases that have the same."""
    pictures = queries.pictures(case.pk)
    digests = [picture.digest for picture in pictures if picture.digest]
    seen = queries.with_these_pictures(channel_ids, digests, but=case.pk) if digests else []
    customer, account = case.order_item.order.email_key, case.iban_index
    return {
        "pictures": [
            {
                "picture": picture,
                "is_twice": digests.count(picture.digest or "") > 1,
                "also_in": dict.fromkeys(row for row in seen if row.mark == picture.digest),
            }
            for picture in pictures
        ],
        "account_also_in": (
            queries.with_this_account(channel_ids, account, but=customer) if account else []
        ),
    }
