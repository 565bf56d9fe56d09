"""Cases opened, corrected, decided and removed by other systems."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from takeback.bank_accounts.bank_account import BankAccount, bank_account_of
from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.cancellations.statuses import Kind
from takeback.orders.models import OrderItem
from tests import factories
from tests.cancellations.factories import delivered_item as delivered
from tests.cancellations.factories import open_case as opened
from tests.channel import shop
from tests.channel.case_calls import (
    CASES,
    HOLDER,
    IBAN,
    ask,
    call,
    caller,
    case_of,
    change,
    item,
    refused,
    remove,
    step,
    steps,
)
from tests.factories import HttpClient
from tests.storefront.api import nothing_written

pytestmark = pytest.mark.django_db

ACCOUNT = BankAccount(IBAN, HOLDER)


def with_account() -> int:
    """A case that names where the money goes."""
    return opened(item(), bank_account=ACCOUNT)


class TestOpening:
    def test_a_system_asks_in_a_customers_name(self) -> None:
        system, line, reason = caller(), item(quantity=3), factories.create_reason()

        answer = ask(
            system,
            order_item=str(line.pk),
            reason=reason.pk,
            cancellation_type="cancel",
            description="by phone",
            quantity=2,
            remote_id="R-1",
        )

        assert answer.status_code == 201
        given = answer.json()
        assert given["id"] == given["pk"]
        assert (given["order_item"], given["reason"]) == (line.pk, reason.pk)
        assert (given["cancellation_type"], given["status"]) == ("cancel", "waiting")
        assert (given["description"], given["quantity"]) == ("by phone", 2)
        row = case_of(given["id"])
        assert (row.remote_id, row.source, row.channel_id) == ("R-1", "channel", shop.SHOP)
        (first,) = CaseHistory.objects.filter(cancellation_request=row)
        assert (first.actor_kind, first.event) == ("channel", "open")

    def test_statuses_and_amounts_are_not_the_callers_to_tell(self) -> None:
        answer = ask(
            caller(),
            order_item=item().pk,
            reason=factories.create_reason().pk,
            cancellation_type="cancel",
            status="completed",
            refund_amount=100,
            id=10**9,
            uuid="nobody's",
        )

        assert (answer.status_code, answer.json()["status"]) == (201, "waiting")
        assert answer.json()["id"] != 10**9

    @pytest.mark.parametrize("needs_pickup", [True, False])
    def test_the_shops_carrier_comes_to_where_the_order_went(
        self, settings: Settings, *, needs_pickup: bool
    ) -> None:
        # No body of a channel names a carrier or an address.
        settings.RETURN_CARRIER = factories.create_carrier(needs_pickup=needs_pickup).pk
        line, reason = item(status=550), factories.create_reason(kind="refund").pk

        answer = ask(caller(), order_item=line.pk, reason=reason, cancellation_type="refund")

        assert answer.status_code == 201
        way_back = case_of(answer.json()["id"]).easy_return
        assert way_back
        address = line.order.shipping_address_id if needs_pickup else None
        assert (way_back.carrier, way_back.pickup_address_id) == ("yurtici", address)

    def test_points_follow_the_shops_rule(self, settings: Settings) -> None:
        settings.LOYALTY_MONEY_ENABLED = False
        told = {
            "order_item": item().pk,
            "reason": factories.create_reason().pk,
            "cancellation_type": "cancel",
            "fully_refund_as_loyalty_money": True,
        }
        system = caller()
        with refused(400, "loyalty_100_1") as answers:
            answers.append(ask(system, told))

        settings.LOYALTY_MONEY_ENABLED = True
        settings.LOYALTY_FOR_GUESTS = True
        answer = ask(system, told)
        assert (answer.status_code, answer.json()["fully_refund_as_loyalty_money"]) == (201, True)

    @pytest.mark.parametrize(("scopes", "is_trusted"), [((), False), (("money",), True)])
    def test_an_account_is_trusted_with_those_who_may_pay(
        self, scopes: tuple[str, ...], is_trusted: bool
    ) -> None:
        told = {"order_item": item().pk, "reason": factories.create_reason().pk}
        account = {"iban": IBAN, "holder_name": HOLDER}

        answer = ask(caller(*scopes), told | account | {"cancellation_type": "cancel"})

        row = case_of(answer.json()["id"])
        assert bank_account_of(row) == ACCOUNT
        assert row.is_bank_account_confirmed is is_trusted

    def test_a_key_of_a_member_of_staff_acts_as_that_person(self) -> None:
        person = factories.create_customer(email="staff@example.com", is_staff=True)
        system = shop.client(shop.key(user_id=person.pk))

        told = {"order_item": item().pk, "reason": factories.create_reason().pk}
        case = ask(system, told | {"cancellation_type": "cancel"}).json()["id"]

        (first,) = CaseHistory.objects.filter(cancellation_request_id=case)
        assert (first.actor_kind, first.actor_number) == ("staff", person.pk)

    def test_the_same_key_asks_once(self) -> None:
        system = caller()
        body = {
            "order_item": item().pk,
            "reason": factories.create_reason().pk,
            "cancellation_type": "cancel",
        }
        first = call(system, "POST", CASES, body, **{"Idempotency-Key": "a"})
        again = call(system, "POST", CASES, body, **{"Idempotency-Key": "a"})

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.content == again.content
        assert again.headers["Idempotent-Replayed"] == "true"
        assert CancellationRequest.objects.count() == 1


class TestCorrecting:
    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_what_is_told_is_changed_and_the_rest_stays(self, method: str) -> None:
        case, reason = (
            opened(item(quantity=3), description="old", quantity=1),
            factories.create_reason(),
        )

        answer = change(caller(), case, {"reason": reason.pk, "quantity": 2}, method)

        assert answer.status_code == 200
        given = answer.json()
        assert (given["reason"], given["quantity"], given["description"]) == (reason.pk, 2, "old")
        assert answer.headers["ETag"] == '"2"'
        assert steps(case) == [(1, "open", "waiting"), (2, "edit", "waiting")]

    @pytest.mark.parametrize("scopes", [(), ("money",), ("pii",)])
    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_what_was_shown_and_comes_back_changes_nothing(
        self, method: str, scopes: tuple[str, ...]
    ) -> None:
        system, case = caller(*scopes), with_account()
        shown = change(system, case, {}).json()

        with nothing_written():
            answer = change(system, case, shown, method)

        assert (answer.status_code, answer.json()) == (200, shown)
        assert answer.headers["ETag"] == '"1"'

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    @pytest.mark.parametrize("body", [b"", b"{}"])
    def test_nothing_told_is_nothing_changed(self, method: str, body: bytes) -> None:
        system, case = caller(), opened(item())

        with nothing_written():
            answer = change(system, case, body, method)

        assert answer.status_code == 200
        assert answer.json()["modified_date"] == factories.NOW.isoformat().replace("+00:00", "Z")

    def test_read_only_keys_are_ignored(self) -> None:
        system, case = caller(), opened(item())
        told = {"id": 9, "pk": 9, "uuid": "x", "created_date": "x", "easy_return": {}, "x": [1]}

        with nothing_written():
            answer = change(system, case, told)

        assert (answer.status_code, answer.json()["id"]) == (200, case)

    def test_null_leaves_a_value_and_empty_words_take_it_away(self) -> None:
        system, case = caller(), opened(item(), description="old", bank_account=ACCOUNT)
        nothing = dict.fromkeys(("description", "iban", "holder_name", "quantity"))

        with nothing_written():
            assert change(system, case, nothing).status_code == 200
        answer = change(system, case, {"description": "", "iban": "", "holder_name": ""})

        assert answer.json()["description"] is None
        assert bank_account_of(case_of(case)) == ACCOUNT

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_corrections_and_a_step_go_together(self, method: str) -> None:
        case = opened(item(quantity=3), quantity=1)

        answer = change(caller(), case, {"quantity": 2, "status": "confirmed"}, method)

        given = answer.json()
        assert (answer.status_code, given["status"], given["quantity"]) == (200, "confirmed", 2)
        assert steps(case)[1:] == [(2, "edit", "waiting"), (3, "confirm", "confirmed")]
        assert answer.headers["ETag"] == '"3"'

    def test_neither_is_written_when_one_is_refused(self) -> None:
        system, case = caller(), opened(item())
        body = {"description": "new", "status": "completed"}

        with refused(400, "wrong_state") as answers:
            answers.append(change(system, case, body))


class TestDeciding:
    @pytest.mark.parametrize("body", [None, {}, b"", {"note": "so be it"}, {"status": "approved"}])
    @pytest.mark.parametrize(
        ("name", "status"),
        [("reject", "rejected"), ("confirm", "confirmed"), ("approve", "approved")],
    )
    def test_a_step_is_made_once(self, name: str, status: str, body: Any) -> None:
        system, case = caller(), opened(item())

        first = step(system, case, name, body)
        with nothing_written():
            again = step(system, case, name, body)

        assert (first.status_code, first.json()["status"]) == (200, status)
        assert (again.status_code, again.json()) == (200, first.json())
        last = CaseHistory.objects.filter(cancellation_request_id=case).latest("seq")
        assert last.after == status
        assert last.message == (body["note"] if body == {"note": "so be it"} else None)

    @pytest.mark.parametrize("wanted", ["rejected", "confirmed", "approved", "waiting_approval"])
    def test_a_status_told_by_patch_is_the_step_that_leads_there(self, wanted: str) -> None:
        case = opened(item())

        answer = change(caller(), case, {"status": wanted})

        assert (answer.status_code, answer.json()["status"]) == (200, wanted)

    def test_a_withdrawn_case_is_rejected_for_whoever_says_so(self) -> None:
        system, case = caller(), factories.create_case(item=item(), status="withdrawn").pk

        with nothing_written():
            assert step(system, case, "reject").json()["status"] == "rejected"
            assert change(system, case, {"status": "rejected"}).status_code == 200

    def test_a_rejected_item_is_free_again(self) -> None:
        system, line = caller(), item()
        case = opened(line)
        step(system, case, "reject")

        assert opened(line) != case

    def test_approving_takes_the_item_to_its_plan(self) -> None:
        system, line = caller(), item()
        case = opened(line)
        step(system, case, "approve")

        row = case_of(case)
        assert (row.status, row.plan is not None) == ("approved", True)
        assert OrderItem.objects.get(pk=line.pk).status == 50

    @pytest.mark.parametrize("name", ["reject", "confirm", "approve"])
    def test_the_same_idempotency_key_decides_once(self, name: str) -> None:
        system, case = caller(), opened(item())
        first = step(system, case, name, **{"Idempotency-Key": "k"})
        again = step(system, case, name, **{"Idempotency-Key": "k"})

        assert first.content == again.content
        assert again.headers["Idempotent-Replayed"] == "true"


class TestRemoving:
    def test_a_case_that_waits_is_withdrawn_and_gone(self) -> None:
        system, line = caller(), item()
        case = opened(line)

        answer = remove(system, case)

        assert (answer.status_code, answer.content) == (204, b"")
        assert steps(case)[1:] == [(2, "withdraw", "withdrawn"), (3, "remove", "withdrawn")]
        with refused(404, "not_found") as answers:
            answers.append(remove(system, case))
        assert opened(line) != case

    def test_one_that_has_ended_is_only_hidden(self) -> None:
        system, case = caller(), opened(item())
        step(system, case, "reject")

        assert remove(system, case).status_code == 204
        assert steps(case)[2:] == [(3, "remove", "rejected")]

    def test_one_with_money_planned_stays(self) -> None:
        system, case = caller(), opened(item())
        step(system, case, "approve")

        with refused(400, "wrong_state") as answers:
            answers.append(remove(system, case))


Write = Callable[[HttpClient, int, dict[str, str]], Any]
WRITES: list[Write] = [
    lambda system, case, headers: change(system, case, {"description": "new"}, **headers),
    lambda system, case, headers: change(system, case, {}, "PUT", **headers),
    lambda system, case, headers: step(system, case, "reject", **headers),
    lambda system, case, headers: step(system, case, "approve", **headers),
    lambda system, case, headers: step(system, case, "confirm", **headers),
    lambda system, case, headers: remove(system, case, **headers),
]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("tag", ['"1"', 'W/"1"', '"3"', '"x"', "2", '"2", "1"', '""'])
def test_a_version_that_is_not_the_last_is_refused(write: Write, tag: str) -> None:
    system, case = caller(), opened(item())
    change(system, case, {"description": "old"})

    with refused(412, "precondition_failed") as answers:
        answers.append(write(system, case, {"If-Match": tag}))


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("tag", ['"2"', 'W/"2"', "*", ' "2" '])
def test_the_last_version_may_be_changed(write: Write, tag: str) -> None:
    system, case = caller(), opened(item())
    change(system, case, {"description": "old"})

    assert write(system, case, {"If-Match": tag}).status_code in (200, 204)


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("prefix", shop.PREFIXES)
def test_what_is_not_the_channels_is_not_there(write: Write, prefix: str) -> None:
    system = caller()
    foreign = factories.items_of(factories.create_order(channel_id=shop.OTHER, number="2"))[0]
    hidden = factories.create_case(item=item(), is_hidden=True)
    for case in (factories.create_case(item=foreign).pk, hidden.pk, 0, 10**40):
        with refused(404, "not_found") as answers:
            answers.append(write(system, case, {}))


@pytest.mark.parametrize("write", WRITES)
def test_reading_is_not_deciding(write: Write) -> None:
    system = shop.client(shop.key(scopes=["read"]))
    case = opened(item())
    assert system.get(f"/api/v1/channel/{shop.SHOP}/orders/").status_code == 200

    with refused(403, "permission_denied") as answers:
        answers.append(write(system, case, {}))


def test_a_return_is_decided_like_a_cancellation() -> None:
    case = opened(delivered(), kind=Kind.RETURN)

    answer = step(caller(), case, "confirm")

    assert (answer.status_code, answer.json()["status"]) == (200, "confirmed")
    assert answer.json()["cancellation_type"] == "refund"
