"""A few rows in one statement: what is written is what Django would have written."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction

from takeback.cancellations.models import CancellationReason
from takeback.core.db.bulk import insert_objects

pytestmark = pytest.mark.django_db

MOMENT = datetime(2026, 3, 1, 12, 30, 15, 250_001, tzinfo=UTC)


def reason(number: int) -> CancellationReason:
    """A row with every kind of column: text, JSON, UUID, number, truth, moment, and none."""
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


def test_rows_are_as_django_writes_them_and_know_their_ids() -> None:
    ours = [reason(number) for number in range(3)]
    insert_objects(ours)
    written = list(CancellationReason.objects.order_by("order").values())
    CancellationReason.objects.all().delete()
    CancellationReason.objects.bulk_create(reason(number) for number in range(3))
    theirs = CancellationReason.objects.order_by("order").values()

    assert [row.pk for row in ours] == [found["id"] for found in written]
    assert written == [told | {"id": row.pk} for told, row in zip(theirs, ours, strict=True)]


def test_a_constraint_speaks_as_it_does_through_django() -> None:
    insert_objects([reason(1)])

    with pytest.raises(IntegrityError), transaction.atomic():
        insert_objects([reason(1)])
