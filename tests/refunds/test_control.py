"""The second person of a refund, the pause of an account, and who may do either."""

from datetime import timedelta
from typing import Any

import pytest
import zeal
from django.db import IntegrityError, transaction

from takeback.accounts.api_keys import Rights, issue_key
from takeback.accounts.models import ApiKey, User
from takeback.accounts.staff_rights import MoneyStep, ensure_may, rights_of_staff
from takeback.core.actor import SYSTEM, Actor, ActorKind
from takeback.core.errors import NOT_FOUND, Refused
from takeback.refunds.commands.control import (
    approve_second_person,
    pause_account,
    resume_account,
)
from takeback.refunds.models import PaymentAccount, Refund
from takeback.refunds.statuses import Status
from tests import factories
from tests.desk.agents import member
from tests.factories import NOW, SHOP
from tests.refunds.accounts import create_account, create_payment, create_refund

pytestmark = [
    pytest.mark.allow_repeated_queries("several commands per test"),
    pytest.mark.django_db,
]

SECOND = timedelta(seconds=1)
LATER = NOW + timedelta(hours=1)


def staff(user: User) -> Actor:
    return Actor(ActorKind.STAFF, user.pk)


def waiting_refund(requester: Actor = SYSTEM, **fields: Any) -> Refund:
    """A refund that waits for a second person."""
    requested = {
        "requested_by_kind": requester.kind.value,
        "requested_by_number": requester.number,
    }
    defaults: dict[str, Any] = {"needs_second_person": True, "next_look_at": LATER + SECOND}
    return create_refund(create_payment(), None, **defaults | requested | fields)


def refused(refund: Refund, actor: Actor) -> str:
    with pytest.raises(Refused) as caught:
        approve_second_person(refund.pk, actor=actor, now=LATER)
    refund.refresh_from_db()
    assert refund.approved_by_number is None
    return caught.value.problem.code


def test_second_person_approves_and_the_worker_tries_at_once() -> None:
    first, second = member("first"), member("second", scopes=["read", "money"])
    refund = waiting_refund(staff(first))
    for _ in range(2):
        approve_second_person(refund.pk, actor=staff(second), now=LATER)
    refund.refresh_from_db()
    assert (refund.approved_by_number, refund.next_look_at) == (second.pk, LATER)
    assert (refund.status, refund.modified_date) == (Status.PLANNED, LATER)


def test_refund_whose_message_is_not_due_yet_keeps_its_time() -> None:
    refund = waiting_refund(next_look_at=None)
    approve_second_person(refund.pk, actor=staff(member()), now=LATER)
    refund.refresh_from_db()
    assert refund.next_look_at is None


def test_requester_cannot_be_the_second_person() -> None:
    requester = staff(member())
    assert refused(waiting_refund(requester), requester) == "second_person_is_the_first"


def test_key_of_an_own_login_is_the_same_person() -> None:
    user, other = member("ada"), member("bob")
    with zeal.zeal_ignore():
        issue_key("login", channel_ids=[SHOP], scopes=["decide"], now=NOW, user_id=user.pk)
    key = Actor(ActorKind.CHANNEL, ApiKey.objects.get().pk)
    refund = waiting_refund(key)
    assert refused(refund, staff(user)) == "second_person_is_the_first"
    approve_second_person(refund.pk, actor=staff(other), now=LATER)
    refund.refresh_from_db()
    assert refund.approved_by_number == other.pk


def test_number_of_a_customer_or_key_is_no_staff_user() -> None:
    """Ids of several tables are equal numbers."""
    user = member()
    for number, kind in enumerate((ActorKind.CUSTOMER, ActorKind.GUEST)):
        payment = create_payment(number=str(number))
        refund = create_refund(
            payment,
            None,
            needs_second_person=True,
            requested_by_kind=kind.value,
            requested_by_number=user.pk,
        )
        approve_second_person(refund.pk, actor=staff(user), now=LATER)


def test_only_staff_with_the_right_in_the_channel_approve() -> None:
    refund = waiting_refund()
    without = member("without", scopes=["read", "decide", "admin", "pii"])
    elsewhere = member("elsewhere", channels=[2])
    gone = member("gone")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    assert refused(refund, staff(without)) == "money_right_missing"
    assert refused(refund, staff(elsewhere)) == "not_found"
    assert refused(refund, staff(gone)) == "not_found"
    assert refused(refund, SYSTEM) == "not_found"
    assert refused(refund, Actor(ActorKind.CHANNEL, without.pk)) == "not_found"
    assert refused(refund, Actor(ActorKind.CUSTOMER, without.pk)) == "not_found"


@pytest.mark.parametrize("status", set(Status) - {Status.PLANNED})
def test_refund_that_has_left_needs_no_approval(status: Status) -> None:
    refund = waiting_refund(status=status.value)
    assert refused(refund, staff(member())) == "no_second_person_needed"


def test_refund_that_needs_no_approval_is_refused() -> None:
    refund = waiting_refund(needs_second_person=False)
    assert refused(refund, staff(member())) == "no_second_person_needed"


def test_third_person_cannot_replace_the_second() -> None:
    refund = waiting_refund(approved_by_number=member("second").pk)
    with pytest.raises(Refused) as caught:
        approve_second_person(refund.pk, actor=staff(member("third")), now=LATER)
    assert caught.value.problem.code == "no_second_person_needed"


def test_unknown_refund_is_not_known() -> None:
    with pytest.raises(Refused) as caught:
        approve_second_person(7, actor=staff(member()), now=LATER)
    assert caught.value.problem is NOT_FOUND


def test_constraint_refuses_the_same_person() -> None:
    refund = waiting_refund(staff(member()))
    with transaction.atomic(), pytest.raises(IntegrityError, match="second_person_is_another"):
        Refund.objects.filter(pk=refund.pk).update(approved_by_number=refund.requested_by_number)


def test_pause_and_resume_are_recorded_once() -> None:
    account = create_account()
    for now in (LATER, LATER + SECOND):
        pause_account(SHOP, account.pk, now=now)
    account.refresh_from_db()
    assert (account.paused_because, account.modified_date) == ("staff", LATER)
    for now in (LATER + SECOND, LATER + 2 * SECOND):
        resume_account(SHOP, account.pk, now=now)
    account.refresh_from_db()
    assert (account.paused_because, account.modified_date) == ("", LATER + SECOND)


def test_resumed_account_tries_its_held_refunds_now() -> None:
    account, payment = create_account(paused_because="staff"), create_payment()
    other = create_account(code="b", provider_account="acct_2", payment_kinds=[])
    tomorrow = LATER + timedelta(days=1)
    waiting = create_refund(payment, account, next_look_at=tomorrow)
    not_due = create_refund(payment, account)
    pending = create_refund(payment, account, status="pending", next_look_at=tomorrow)
    elsewhere = create_refund(payment, other, next_look_at=tomorrow)
    resume_account(SHOP, account.pk, now=LATER)
    times = dict(Refund.objects.values_list("pk", "next_look_at"))
    assert times == {
        waiting.pk: LATER,
        not_due.pk: None,
        pending.pk: tomorrow,
        elsewhere.pk: tomorrow,
    }


def test_restored_account_is_not_resumed_before_its_reconciliation() -> None:
    account = create_account(paused_because="restored", reconcile_since=NOW)
    pause_account(SHOP, account.pk, now=LATER)
    with pytest.raises(Refused) as caught:
        resume_account(SHOP, account.pk, now=LATER)
    assert str(caught.value.problem.message) == (
        "The database was restored: the provider of payment account cards may have paid more than "
        "it knows. Run `takeback reconcile`."
    )
    assert PaymentAccount.objects.get().paused_because == "staff"


@pytest.mark.parametrize("command", [pause_account, resume_account])
def test_account_of_another_channel_is_not_known(command: Any) -> None:
    account = create_account()
    factories.create_channel(pk=2)
    with pytest.raises(Refused) as caught:
        command(2, account.pk, now=LATER)
    assert caught.value.problem is NOT_FOUND


NEEDED = {
    MoneyStep.PAY: {"money"},
    MoneyStep.APPROVE_AS_SECOND_PERSON: {"money"},
    MoneyStep.MARK_AS_PAID: {"money"},
    MoneyStep.PAUSE_ACCOUNT: {"money"},
    MoneyStep.CHANGE_ACCOUNT: {"money", "admin"},
}


@pytest.mark.parametrize("step", MoneyStep)
@pytest.mark.parametrize("missing", ApiKey.SCOPES)
def test_each_step_needs_its_scopes(step: MoneyStep, missing: str) -> None:
    rights = Rights([SHOP], [scope for scope in ApiKey.SCOPES if scope != missing])
    if missing not in NEEDED[step]:
        ensure_may(step, rights, SHOP)
        return
    with pytest.raises(Refused) as caught:
        ensure_may(step, rights, SHOP)
    assert str(caught.value.problem.message) == (
        f"This step needs the rights {missing}. Ask a colleague who has them, or an administrator."
    )


@pytest.mark.parametrize("rights", [None, Rights([2], list(ApiKey.SCOPES))])
def test_money_of_another_channel_is_not_known(rights: Rights | None) -> None:
    with pytest.raises(Refused) as caught:
        ensure_may(MoneyStep.PAY, rights, SHOP)
    assert caught.value.problem is NOT_FOUND


def test_rights_are_those_in_active_channels() -> None:
    user = member(scopes=["money"], channels=[SHOP, 2])
    factories.create_channel(pk=3)
    assert rights_of_staff(user.pk) == Rights([SHOP, 2], ["money"])
    user.staff.channels.filter(pk=2).update(is_active=False)
    assert rights_of_staff(user.pk) == Rights([SHOP], ["money"])
    assert rights_of_staff(factories.create_customer().pk) is None
