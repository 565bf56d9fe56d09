"""The day on which a refund has reached the shopper at the latest."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from takeback.refunds.statuses import Means

DAYS: Final[Mapping[Means, int]] = {
    # Providers take up to ten working days, and the law allows fourteen days.
    Means.ORIGINAL: 14,
    Means.LOYALTY: 1,
    Means.BANK_TRANSFER: 7,
    Means.MANUAL: 14,
}
"""The longest time from the approval of a refund until the shopper has the money."""


def latest_day(means: Means, approved_on: date) -> date:
    """The last day of the time that a refund by these means takes."""
    return approved_on + timedelta(days=DAYS[means])
