"""Types that keep ids and amounts apart: swapped arguments fail mypy."""

from typing import NewType

OrderId = NewType("OrderId", int)
ItemId = NewType("ItemId", int)
CaseId = NewType("CaseId", int)
PlanId = NewType("PlanId", int)

# An amount in minor units of its currency.
MinorUnits = NewType("MinorUnits", int)
