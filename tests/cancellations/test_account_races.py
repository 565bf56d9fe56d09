"""Concurrent confirmations of a bank account: one history row, and no error."""

from functools import partial

import pytest

from takeback.cancellations.commands.confirm_bank_account import confirm_bank_account
from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.core.ids import CaseId
from tests import factories
from tests.notifications.factories import GUEST, IBAN, cancel, open_cases, order_with
from tests.rigs.races import WON, Clients

ROUNDS = 10


@pytest.mark.django_db(transaction=True)
def test_concurrent_confirmations_write_one_history_row() -> None:
    with Clients(4) as clients:
        for number in range(ROUNDS):
            (case,) = open_cases(order_with("Red shoe", number=str(number)), cancel(iban=IBAN))
            act = partial(confirm_bank_account, CaseId(case.pk), actor=GUEST, now=factories.NOW)
            assert clients.race([act] * 4) == {WON: 4}
            case.refresh_from_db()
            assert (case.is_bank_account_confirmed, case.version) == (True, 2)
    assert CaseHistory.objects.filter(event="confirm_account").count() == ROUNDS
    assert CancellationRequest.objects.count() == ROUNDS
