"""Cases that clients open, change, decide and remove."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from takeback.bank_accounts.bank_account import BankAccount, bank_account_of
from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.cancellations.statuses import Kind
from takeback.core import clock
from takeback.orders.models import OrderItem
from tests import factories
from tests.cancellations.factories import delivered_item
from tests.cancellations.factories import open_case as opened
from tests.channel import shop
from tests.channel.case_calls import (
    CASES,
    HOLDER,
    IBAN,
    caller,
    cancellable_item,
    change,
    history,
    open_case,
    refused,
    remove,
    send,
    stored_case,
    transition,
)
from tests.factories import HttpClient
from tests.storefront.api import nothing_written

pytestmark = pytest.mark.django_db

ACCOUNT = BankAccount(IBAN, HOLDER)


def with_account() -> int:
    """A case with a bank account."""
    return opened(cancellable_item(), bank_account=ACCOUNT)


class TestOpening:
    def test_system_opens_case_for_a_customer(self) -> None:
        system, item, reason = caller(), cancellable_item(quantity=3), factories.create_reason()

        response = open_case(
            system,
            order_item=str(item.pk),
            reason=reason.pk,
            cancellation_type="cancel",
            description="by phone",
            quantity=2,
            remote_id="R-1",
        )

        assert response.status_code == 201
        document = response.json()
        assert document["id"] == document["pk"]
        assert (document["order_item"], document["reason"]) == (item.pk, reason.pk)
        assert (document["cancellation_type"], document["status"]) == ("cancel", "waiting")
        assert (document["description"], document["quantity"]) == ("by phone", 2)
        row = stored_case(document["id"])
        assert (row.remote_id, row.source, row.channel_id) == ("R-1", "channel", shop.SHOP)
        (first,) = CaseHistory.objects.filter(cancellation_request=row)
        assert (first.actor_kind, first.event) == ("channel", "open")

    def test_status_and_amounts_in_a_new_case_are_ignored(self) -> None:
        response = open_case(
            caller(),
            order_item=cancellable_item().pk,
            reason=factories.create_reason().pk,
            cancellation_type="cancel",
            status="completed",
            refund_amount=100,
            id=10**9,
            uuid="nobody's",
        )

        assert (response.status_code, response.json()["status"]) == (201, "waiting")
        assert response.json()["id"] != 10**9

    @pytest.mark.parametrize("needs_pickup", [True, False])
    def test_default_carrier_picks_up_at_the_shipping_address(
        self, settings: Settings, *, needs_pickup: bool
    ) -> None:
        # The channel API has no field for a carrier or an address.
        settings.RETURN_CARRIER = factories.create_carrier(needs_pickup=needs_pickup).pk
        item, reason = cancellable_item(status=500), factories.create_reason(kind="refund").pk
        OrderItem.objects.update(shipped_date=clock.now())

        response = open_case(
            caller(), order_item=item.pk, reason=reason, cancellation_type="refund"
        )

        assert response.status_code == 201
        way_back = stored_case(response.json()["id"]).easy_return
        assert way_back
        address = item.order.shipping_address_id if needs_pickup else None
        assert (way_back.carrier, way_back.pickup_address_id) == ("yurtici", address)

    def test_loyalty_refund_follows_the_shop_policy(self, settings: Settings) -> None:
        settings.LOYALTY_MONEY_ENABLED = False
        body = {
            "order_item": cancellable_item().pk,
            "reason": factories.create_reason().pk,
            "cancellation_type": "cancel",
            "fully_refund_as_loyalty_money": True,
        }
        system = caller()
        with refused(400, "loyalty_100_1") as responses:
            responses.append(open_case(system, body))

        settings.LOYALTY_MONEY_ENABLED = True
        settings.LOYALTY_FOR_GUESTS = True
        response = open_case(system, body)
        assert (response.status_code, response.json()["fully_refund_as_loyalty_money"]) == (
            201,
            True,
        )

    @pytest.mark.parametrize(("scopes", "is_trusted"), [((), False), (("money",), True)])
    def test_account_of_new_case_is_confirmed_only_with_scope_money(
        self, scopes: tuple[str, ...], is_trusted: bool
    ) -> None:
        body = {"order_item": cancellable_item().pk, "reason": factories.create_reason().pk}
        account = {"iban": IBAN, "holder_name": HOLDER}

        response = open_case(caller(*scopes), body | account | {"cancellation_type": "cancel"})

        row = stored_case(response.json()["id"])
        assert bank_account_of(row) == ACCOUNT
        assert row.is_bank_account_confirmed is is_trusted

    def test_key_of_a_staff_member_acts_as_that_person(self) -> None:
        person = factories.create_customer(email="staff@example.com", is_staff=True)
        system = shop.client(shop.key(user_id=person.pk))

        body = {"order_item": cancellable_item().pk, "reason": factories.create_reason().pk}
        case = open_case(system, body | {"cancellation_type": "cancel"}).json()["id"]

        (first,) = CaseHistory.objects.filter(cancellation_request_id=case)
        assert (first.actor_kind, first.actor_number) == ("staff", person.pk)

    def test_same_idempotency_key_opens_one_case(self) -> None:
        system = caller()
        body = {
            "order_item": cancellable_item().pk,
            "reason": factories.create_reason().pk,
            "cancellation_type": "cancel",
        }
        first = send(system, "POST", CASES, body, **{"Idempotency-Key": "a"})
        again = send(system, "POST", CASES, body, **{"Idempotency-Key": "a"})

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.content == again.content
        assert again.headers["Idempotent-Replayed"] == "true"
        assert CancellationRequest.objects.count() == 1


class TestCorrecting:
    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_only_sent_values_change(self, method: str) -> None:
        case, reason = (
            opened(cancellable_item(quantity=3), description="old", quantity=1),
            factories.create_reason(),
        )

        response = change(caller(), case, {"reason": reason.pk, "quantity": 2}, method)

        assert response.status_code == 200
        document = response.json()
        assert (document["reason"], document["quantity"], document["description"]) == (
            reason.pk,
            2,
            "old",
        )
        assert response.headers["ETag"] == '"2"'
        assert history(case) == [(1, "open", "waiting"), (2, "edit", "waiting")]

    @pytest.mark.parametrize("scopes", [(), ("money",), ("pii",)])
    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_sending_back_the_shown_document_changes_nothing(
        self, method: str, scopes: tuple[str, ...]
    ) -> None:
        system, case = caller(*scopes), with_account()
        shown = change(system, case, {}).json()

        with nothing_written():
            response = change(system, case, shown, method)

        assert (response.status_code, response.json()) == (200, shown)
        assert response.headers["ETag"] == '"1"'

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    @pytest.mark.parametrize("body", [b"", b"{}"])
    def test_empty_body_changes_nothing(self, method: str, body: bytes) -> None:
        system, case = caller(), opened(cancellable_item())
        before = CancellationRequest.objects.get().modified_date

        with nothing_written():
            response = change(system, case, body, method)

        assert response.status_code == 200
        assert response.json()["modified_date"] == before.isoformat().replace("+00:00", "Z")

    def test_read_only_keys_are_ignored(self) -> None:
        system, case = caller(), opened(cancellable_item())
        body = {"id": 9, "pk": 9, "uuid": "x", "created_date": "x", "easy_return": {}, "x": [1]}

        with nothing_written():
            response = change(system, case, body)

        assert (response.status_code, response.json()["id"]) == (200, case)

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_null_clears_a_value_and_means_all_units(self, method: str) -> None:
        item = cancellable_item(quantity=3)
        case = opened(item, description="old", bank_account=ACCOUNT, quantity=2)
        nothing = dict.fromkeys(("description", "iban", "holder_name", "quantity"))

        document = change(caller("money"), case, nothing, method).json()

        assert [document[name] for name in nothing] == [None, None, None, 3]
        row = stored_case(case)
        assert (bank_account_of(row), row.iban_index, row.is_bank_account_confirmed) == (
            None,
            None,
            False,
        )

    def test_nulls_without_a_value_to_clear_change_nothing(self) -> None:
        system, case = caller(), opened(cancellable_item())
        nothing = dict.fromkeys(("description", "iban", "holder_name", "quantity"))

        with nothing_written():
            assert change(system, case, nothing).status_code == 200

    def test_null_quantity_of_a_confirmed_part_is_its_own(self) -> None:
        system, case = caller(), opened(cancellable_item(quantity=3), quantity=2)
        transition(system, case, "confirm")

        assert change(system, case, {"quantity": None}).json()["quantity"] == 2

    def test_empty_description_is_removed(self) -> None:
        case = opened(cancellable_item(), description="old", bank_account=ACCOUNT)

        response = change(caller(), case, {"description": "", "iban": "", "holder_name": ""})

        assert response.json()["description"] is None
        assert bank_account_of(stored_case(case)) == ACCOUNT

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_changes_and_transition_are_applied_together(self, method: str) -> None:
        case = opened(cancellable_item(quantity=3), quantity=1)

        response = change(caller(), case, {"quantity": 2, "status": "confirmed"}, method)

        document = response.json()
        assert (response.status_code, document["status"], document["quantity"]) == (
            200,
            "confirmed",
            2,
        )
        assert history(case)[1:] == [(2, "edit", "waiting"), (3, "confirm", "confirmed")]
        assert response.headers["ETag"] == '"3"'

    def test_nothing_is_written_if_the_transition_is_refused(self) -> None:
        system, case = caller(), opened(cancellable_item())
        body = {"description": "new", "status": "completed"}

        with refused(400, "wrong_state") as responses:
            responses.append(change(system, case, body))


class TestDeciding:
    @pytest.mark.parametrize("body", [None, {}, b"", {"note": "so be it"}, {"status": "approved"}])
    @pytest.mark.parametrize(
        ("name", "status"),
        [("reject", "rejected"), ("confirm", "confirmed"), ("approve", "approved")],
    )
    def test_repeated_transition_changes_nothing(self, name: str, status: str, body: Any) -> None:
        system, case = caller(), opened(cancellable_item())

        first = transition(system, case, name, body)
        with nothing_written():
            again = transition(system, case, name, body)

        assert (first.status_code, first.json()["status"]) == (200, status)
        assert (again.status_code, again.json()) == (200, first.json())
        last = CaseHistory.objects.filter(cancellation_request_id=case).latest("seq")
        assert last.after == status
        note = "so be it" if body == {"note": "so be it"} else None
        texts = (note, None) if name == "reject" else (None, note)
        assert (last.message, last.internal_note) == texts

    @pytest.mark.parametrize("expected", ["rejected", "confirmed", "approved", "waiting_approval"])
    def test_status_in_patch_is_a_transition(self, expected: str) -> None:
        case = opened(cancellable_item())

        response = change(caller(), case, {"status": expected})

        assert (response.status_code, response.json()["status"]) == (200, expected)

    def test_rejecting_a_withdrawn_case_changes_nothing(self) -> None:
        system, case = (
            caller(),
            factories.create_case(item=cancellable_item(), status="withdrawn").pk,
        )

        with nothing_written():
            assert transition(system, case, "reject").json()["status"] == "rejected"
            assert change(system, case, {"status": "rejected"}).status_code == 200

    def test_item_of_rejected_case_can_be_requested_again(self) -> None:
        system, item = caller(), cancellable_item()
        case = opened(item)
        transition(system, case, "reject")

        assert opened(item) != case

    def test_approved_case_joins_a_plan(self) -> None:
        system, item = caller(), cancellable_item()
        case = opened(item)
        transition(system, case, "approve")

        row = stored_case(case)
        assert (row.status, row.plan is not None) == ("approved", True)
        assert OrderItem.objects.get(pk=item.pk).status == 50

    @pytest.mark.parametrize("name", ["reject", "confirm", "approve"])
    def test_same_idempotency_key_decides_once(self, name: str) -> None:
        system, case = caller(), opened(cancellable_item())
        first = transition(system, case, name, **{"Idempotency-Key": "k"})
        again = transition(system, case, name, **{"Idempotency-Key": "k"})

        assert first.content == again.content
        assert again.headers["Idempotent-Replayed"] == "true"


class TestRemoving:
    def test_waiting_case_is_withdrawn_and_hidden(self) -> None:
        system, item = caller(), cancellable_item()
        case = opened(item)

        response = remove(system, case)

        assert (response.status_code, response.content) == (204, b"")
        assert history(case)[1:] == [(2, "withdraw", "withdrawn"), (3, "remove", "withdrawn")]
        with refused(404, "not_found") as responses:
            responses.append(remove(system, case))
        assert opened(item) != case

    def test_ended_case_is_only_hidden(self) -> None:
        system, case = caller(), opened(cancellable_item())
        transition(system, case, "reject")

        assert remove(system, case).status_code == 204
        assert history(case)[2:] == [(3, "remove", "rejected")]

    def test_case_with_planned_refund_is_not_removed(self) -> None:
        system, case = caller(), opened(cancellable_item())
        transition(system, case, "approve")

        with refused(400, "wrong_state") as responses:
            responses.append(remove(system, case))


Write = Callable[[HttpClient, int, dict[str, str]], Any]
WRITES: list[Write] = [
    lambda system, case, headers: change(system, case, {"description": "new"}, **headers),
    lambda system, case, headers: change(system, case, {}, "PUT", **headers),
    lambda system, case, headers: transition(system, case, "reject", **headers),
    lambda system, case, headers: transition(system, case, "approve", **headers),
    lambda system, case, headers: transition(system, case, "confirm", **headers),
    lambda system, case, headers: remove(system, case, **headers),
]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("tag", ['"1"', 'W/"1"', '"3"', '"x"', "2", '"2", "1"', '""'])
def test_outdated_version_is_refused(write: Write, tag: str) -> None:
    system, case = caller(), opened(cancellable_item())
    change(system, case, {"description": "old"})

    with refused(412, "precondition_failed") as responses:
        responses.append(write(system, case, {"If-Match": tag}))


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("tag", ['"2"', 'W/"2"', "*", ' "2" '])
def test_latest_version_is_accepted(write: Write, tag: str) -> None:
    system, case = caller(), opened(cancellable_item())
    change(system, case, {"description": "old"})

    assert write(system, case, {"If-Match": tag}).status_code in (200, 204)


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("prefix", shop.PREFIXES)
def test_case_of_other_channel_or_hidden_case_is_not_found(write: Write, prefix: str) -> None:
    system = caller()
    foreign = factories.items_of(factories.create_order(channel_id=shop.OTHER, number="2"))[0]
    hidden = factories.create_case(item=cancellable_item(), is_hidden=True)
    for case in (factories.create_case(item=foreign).pk, hidden.pk, 0, 10**40):
        with refused(404, "not_found") as responses:
            responses.append(write(system, case, {}))


@pytest.mark.parametrize("write", WRITES)
def test_read_scope_is_not_enough_to_change_cases(write: Write) -> None:
    system = shop.client(shop.key(scopes=["read"]))
    case = opened(cancellable_item())
    assert system.get(f"/api/v1/channel/{shop.SHOP}/orders/").status_code == 200

    with refused(403, "permission_denied") as responses:
        responses.append(write(system, case, {}))


def test_returns_have_the_same_transitions() -> None:
    case = opened(delivered_item(), kind=Kind.RETURN)

    response = transition(caller(), case, "confirm")

    assert (response.status_code, response.json()["status"]) == (200, "confirmed")
    assert response.json()["cancellation_type"] == "refund"
