"""`insert_objects` writes the same rows as Django's `bulk_create`."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction

from takeback.cancellations.models import CancellationReason
from takeback.core.db.bulk import insert_objects

pytestmark = pytest.mark.django_db

MOMENT = datetime(2026, 3, 1, 12, 30, 15, 250_001, tzinfo=UTC)


def reason(number: int) -> CancellationReason:
    """A row with text, JSON, UUID, integer, boolean, datetime and NULL columns."""
    return CancellationReason(
        channel_id=None,
        uuid=UUID(int=number),
        cancellation_type="cancel",
        subject=f'it\'s "no {number}"',
        translations={"tr-tr": {"subject": "Beğenmedim", "number": number}},
        order=number,
        is_active=bool(number % 2),
        created_date=MOMENT,
        modified_date=MOMENT,
    )


def test_inserted_rows_equal_those_of_bulk_create_and_have_their_ids() -> None:
    rows = [reason(number) for number in range(3)]
    insert_objects(rows)
    written = list(CancellationReason.objects.order_by("order").values())
    CancellationReason.objects.all().delete()
    CancellationReason.objects.bulk_create(reason(number) for number in range(3))
    expected = CancellationReason.objects.order_by("order").values()

    assert [row.pk for row in rows] == [values["id"] for values in written]
    assert written == [values | {"id": row.pk} for values, row in zip(expected, rows, strict=True)]


def test_constraint_violation_raises_integrity_error() -> None:
    insert_objects([reason(1)])

    with pytest.raises(IntegrityError), transaction.atomic():
        insert_objects([reason(1)])
