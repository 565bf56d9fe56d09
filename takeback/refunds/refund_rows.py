"""The refunds of a plan or an order as one JSON column of the row that shows them.

A list of cases or orders so needs no statement of its own for refunds, which most rows lack.
"""

from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db.models import Aggregate, JSONField, OuterRef, Subquery
from django.db.models.functions import JSONArray

from takeback.refunds.models import Refund
from takeback.refunds.statuses import Means, Status

_EMPTY = (None, "[]", "null")


class RefundRow(NamedTuple):
    """A refund as documents show it, in minor units of its own currency."""

    id: int
    uuid: UUID
    status: Status
    means: Means
    amount_minor: int
    currency: str
    due_by: date | None
    confirmed_at: datetime | None
    returned_at: datetime | None
    replaces_id: int | None

    @property
    def moment(self) -> date | datetime | None:
        """When the money came, or came back; before, the day on which it comes at the latest."""
        if self.status is Status.RETURNED:
            return self.returned_at
        return self.confirmed_at if self.status is Status.CONFIRMED else self.due_by


class _JSONRows(Aggregate):
    """The rows of a group as one JSON array, in no order."""

    function = "JSONB_AGG"
    output_field = JSONField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="JSON_GROUP_ARRAY", **context)


def refunds_where(column: str, outer: str) -> Subquery:
    """The refunds whose column has the value of the outer query's, for `refunds_of`."""
    refunds = Refund.objects.filter((column, OuterRef(outer))).order_by().values(column)
    rows = refunds.annotate(rows=_JSONRows(JSONArray(*RefundRow._fields)))
    return Subquery(rows.values("rows"))


def refunds_of(column: str | None) -> list[RefundRow]:
    """The refunds of a column, oldest first; neither cancelled ones nor replaced ones."""
    if column in _EMPTY:
        return []
    rows = sorted(map(_row, msgspec.json.decode(str(column))), key=lambda row: row.id)
    replaced = {row.replaces_id for row in rows}
    return [row for row in rows if row.status is not Status.CANCELLED and row.id not in replaced]


def _row(values: list[Any]) -> RefundRow:
    row = RefundRow._make(values)
    return row._replace(
        uuid=UUID(str(row.uuid)),
        status=Status(row.status),
        means=Means(row.means),
        due_by=_date(row.due_by),
        confirmed_at=_moment(row.confirmed_at),
        returned_at=_moment(row.returned_at),
    )


def _date(value: Any) -> date | None:
    return None if value is None else date.fromisoformat(value)


def _moment(value: Any) -> datetime | None:
    """A time as either database writes it: SQLite leaves out the zone, which is UTC."""
    if value is None:
        return None
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
