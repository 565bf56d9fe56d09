"""Promise P14 at its source: a message commits exactly when its transaction does."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from takeback.outbox.commands import Reference, emit
from takeback.outbox.models import Message

PAYLOAD: dict[str, Reference] = {"request_id": 7, "status": "waiting", "items": [1, 2]}


@pytest.mark.django_db
def test_emit_writes_one_row_in_one_statement(
    frozen_now: datetime, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        emit("thing.happened", "7", PAYLOAD)

    (message,) = Message.objects.all()
    assert (message.topic, message.key) == ("thing.happened", "thing.happened:7")
    assert message.payload == PAYLOAD
    assert (message.created_at, message.due_at) == (frozen_now, frozen_now)
    assert (message.attempts, message.leased_until, message.done_at) == (0, None, None)


@pytest.mark.django_db
def test_message_may_be_due_later(frozen_now: datetime) -> None:
    emit("thing.expired", "7", {}, due_at=frozen_now + timedelta(days=1))

    assert Message.objects.get().due_at == frozen_now + timedelta(days=1)


@pytest.mark.django_db(transaction=True)
def test_emit_outside_a_transaction_is_refused() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        emit("thing.happened", "7", PAYLOAD)

    assert Message.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_rolled_back_message_is_not_stored() -> None:
    with transaction.atomic():
        emit("thing.happened", "7", PAYLOAD)
        transaction.set_rollback(True)

    assert Message.objects.count() == 0


@transaction.atomic
def _emit_two() -> None:
    emit("other.happened", "7", {})
    emit("thing.happened", "7", {"request_id": 8})


@pytest.mark.django_db(transaction=True)
def test_repeated_key_fails_the_second_transaction() -> None:
    with transaction.atomic():
        emit("thing.happened", "7", {"request_id": 7})
    with pytest.raises(IntegrityError):
        _emit_two()

    assert list(Message.objects.values_list("payload", flat=True)) == [{"request_id": 7}]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "value", ["jane@example.com", "Jane Doe", "Şahin", "", "x" * 65, None, 1.5, ["7"], {"a": 1}]
)
def test_payload_holds_ids_and_codes_only(value: Any) -> None:
    with pytest.raises(ValueError, match=r"the payload of thing\.happened"):
        emit("thing.happened", "7", {"of": value})

    assert Message.objects.count() == 0
