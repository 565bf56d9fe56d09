"""Every stored word fits its column: SQLite keeps longer ones, PostgreSQL refuses them."""

from enum import StrEnum

import pytest
from django.db.models import Model

from takeback.cancellations import models, statuses
from takeback.core.actor import ActorKind
from takeback.refunds.ledger import Cause
from takeback.refunds.models import LedgerEntry, Refund
from takeback.refunds.statuses import Attention, Means
from takeback.refunds.statuses import Status as RefundStatus


@pytest.mark.parametrize(
    ("model", "column", "words"),
    [
        (models.CancellationPlan, "status", statuses.PlanStatus),
        (models.CancellationPlan, "plan_type", statuses.Kind),
        (models.CancellationRequest, "status", statuses.Status),
        (models.CaseHistory, "event", statuses.CaseEvent),
        (models.CaseHistory, "event", statuses.Transition),
        (models.CaseHistory, "after", statuses.Status),
        (models.CaseHistory, "actor_kind", ActorKind),
        (Refund, "status", RefundStatus),
        (Refund, "attention", Attention),
        (Refund, "means", Means),
        (Refund, "requested_by_kind", ActorKind),
        (LedgerEntry, "cause", Cause),
    ],
)
def test_words_fit_their_column(model: type[Model], column: str, words: type[StrEnum]) -> None:
    longest = max(map(len, words))
    length = getattr(model._meta.get_field(column), "max_length", 0)
    assert longest <= length
