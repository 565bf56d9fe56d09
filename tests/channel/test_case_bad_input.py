"""Invalid requests about cases are refused as documented, and nothing is written."""

from itertools import product
from typing import Any

import pytest
from pytest_django import Settings

from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations.statuses import Kind
from tests import factories
from tests.cancellations.factories import open_case as opened
from tests.channel import shop
from tests.channel.case_calls import (
    CASES,
    HOLDER,
    IBAN,
    OTHER_IBAN,
    caller,
    cancellable_item,
    change,
    open_case,
    refused,
    remove,
    send,
    transition,
)
from tests.factories import HttpClient

pytestmark = pytest.mark.django_db

METHODS = ["PUT", "PATCH"]
ENDED = ("rejected", "withdrawn", "completed")


def case_in(status: str, **fields: Any) -> int:
    """A case with this status."""
    return factories.create_case(item=cancellable_item(), status=status, **fields).pk


class TestCallers:
    """Keys and channels."""

    @pytest.mark.parametrize("header", ["", "Bearer x", "Token", "Token  x", "token x", "Token x"])
    def test_requests_without_valid_key_are_refused(self, header: str) -> None:
        case, stranger = opened(cancellable_item()), HttpClient(headers={"authorization": header})
        for method, path in (
            ("POST", CASES),
            ("PATCH", f"{CASES}{case}/"),
            ("PUT", f"{CASES}{case}/"),
            ("DELETE", f"{CASES}{case}/"),
            ("POST", f"{CASES}{case}/reject/"),
            ("POST", f"{CASES}{case}/confirm/"),
            ("POST", f"{CASES}{case}/approve/"),
        ):
            with refused(401, "not_authenticated") as responses:
                responses.append(send(stranger, method, path, {}))

    @pytest.mark.parametrize("channel", ["0", "-1", "abc", "1" * 41, str(shop.OTHER)])
    def test_case_in_other_channel_is_not_found(self, channel: str) -> None:
        case, system = opened(cancellable_item()), caller()
        factories.create_channel(pk=shop.OTHER)
        path = f"/api/v1/channel/{channel}/cancellation_requests/{case}/"

        with refused(404, "not_found") as responses:
            responses.append(send(system, "PATCH", path, {"status": "rejected"}))


class TestStatuses:
    """Transitions by status."""

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize(
        ("before", "expected"),
        [
            ("waiting", "completed"),
            ("waiting_approval", "waiting"),
            ("waiting_approval", "completed"),
            ("confirmed", "waiting"),
            ("confirmed", "waiting_approval"),
            ("confirmed", "completed"),
            *(
                (ended, expected)
                for ended in ENDED
                for expected in ("waiting", "confirmed", "approved")
            ),
            ("rejected", "completed"),
            ("completed", "rejected"),
            *product(["approved"], ("waiting", "confirmed", "rejected", "completed")),
        ],
    )
    def test_impossible_transition_is_refused(
        self, method: str, before: str, expected: str
    ) -> None:
        system, case = caller(), case_in(before)

        with refused(400, "wrong_state") as responses:
            responses.append(change(system, case, {"status": expected}, method))

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize(
        "status", ["", "Approved", "withdrawn", "open", 200, None, True, [], {}, "waiting,rejected"]
    )
    def test_invalid_status_is_a_field_error(self, method: str, status: Any) -> None:
        system, case = caller(), opened(cancellable_item())

        with refused(400, "invalid", "status") as responses:
            responses.append(change(system, case, {"status": status}, method))


class TestCorrections:
    """Changes of a case."""

    @pytest.mark.parametrize("method", METHODS)
    def test_item_and_kind_of_a_case_cannot_change(self, method: str) -> None:
        system, case = caller(), opened(cancellable_item())
        (other,) = factories.items_of(factories.create_order(number="2"))
        body = {"order_item": other.pk, "cancellation_type": "refund"}

        with refused(400, "invalid", *body) as responses:
            responses.append(change(system, case, body, method))

    @pytest.mark.parametrize("status", ["confirmed", "approved", "completed", "rejected"])
    @pytest.mark.parametrize("body", [{"quantity": 2}, {"fully_refund_as_loyalty_money": True}])
    def test_decided_case_cannot_be_corrected(self, status: str, body: Any) -> None:
        system, case = caller(), case_in(status)

        with refused(400, "wrong_state") as responses:
            responses.append(change(system, case, body))

    @pytest.mark.parametrize("status", ["approved", "completed", "rejected"])
    def test_account_cannot_change_once_the_refund_is_planned(self, status: str) -> None:
        system = caller("money")
        case = case_in(status, iban=IBAN, holder_name=HOLDER)

        with refused(400, "wrong_state") as responses:
            responses.append(change(system, case, {"iban": OTHER_IBAN, "holder_name": HOLDER}))

    def test_quantity_above_the_item_is_refused(self) -> None:
        system, case = caller(), opened(cancellable_item(quantity=3))

        with refused(400, "quantity_too_large", "quantity") as responses:
            responses.append(change(system, case, {"quantity": 4}))

    def test_strict_shop_refuses_reason_of_other_kind(self, settings: Settings) -> None:
        settings.STRICT_REASON_TYPE = True
        system, case = caller(), opened(cancellable_item())
        other = factories.create_reason(kind=Kind.RETURN)

        with refused(400, "cancellation_request_100_4") as responses:
            responses.append(change(system, case, {"reason": other.pk}))

    def test_reason_must_be_offered(self) -> None:
        system, case = caller(), opened(cancellable_item())
        foreign = factories.create_reason(channel=factories.create_channel(pk=shop.OTHER))
        gone = factories.create_reason(is_active=False)

        for reason in (foreign.pk, gone.pk, 10**9):
            with refused(400, "unknown_reason", "reason") as responses:
                responses.append(change(system, case, {"reason": reason}))

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("reason", None),
            ("reason", "x"),
            ("order_item", None),
            ("order_item", []),
            ("cancellation_type", None),
            ("cancellation_type", "Cancel"),
            ("quantity", 0),
            ("quantity", -1),
            ("quantity", 1.5),
            ("quantity", True),
            ("description", 1),
            ("description", "x" * 2001),
            ("description", "a\u202eb"),
            ("fully_refund_as_loyalty_money", None),
            ("fully_refund_as_loyalty_money", 1),
            ("iban", "TR33"),
            ("iban", []),
            ("holder_name", 7),
        ],
    )
    def test_invalid_field_is_named(self, method: str, field: str, value: Any) -> None:
        system = caller()
        case = opened(cancellable_item(), bank_account=BankAccount(IBAN, HOLDER))

        with refused(400, "invalid", field) as responses:
            responses.append(change(system, case, {field: value}, method))

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"null", "object_expected"),
            (b"[]", "object_expected"),
            (b"{", "malformed_json"),
            (b'{"status": "rejected", "status": "waiting"}', "duplicate_key"),
            (b'{"quantity": NaN}', "malformed_json"),
        ],
    )
    def test_invalid_body_is_refused(self, method: str, body: bytes, code: str) -> None:
        system, case = caller(), opened(cancellable_item())

        with refused(400, code) as responses:
            responses.append(change(system, case, body, method))

    def test_change_of_outdated_version_is_refused(self) -> None:
        system, case = caller(), opened(cancellable_item())
        headers = {"If-Match": system.get(f"{CASES}{case}/").headers["ETag"]}
        assert change(system, case, {"description": "first"}, **headers).status_code == 200

        with refused(412, "precondition_failed") as responses:
            responses.append(change(system, case, {"description": "second"}, **headers))


class TestSteps:
    """Transitions by route."""

    @pytest.mark.parametrize(
        ("body", "code"),
        [(b"[]", "object_expected"), (b'"x"', "object_expected"), (b"{", "malformed_json")],
    )
    def test_transition_accepts_no_body_but_no_invalid_one(self, body: bytes, code: str) -> None:
        system, case = caller(), opened(cancellable_item())

        with refused(400, code) as responses:
            responses.append(transition(system, case, "reject", body))

    @pytest.mark.parametrize("note", [1, [], "x" * 2001, "a\u202eb"])
    def test_note_must_be_text(self, note: Any) -> None:
        system, case = caller(), opened(cancellable_item())

        with refused(400, "invalid", "note") as responses:
            responses.append(transition(system, case, "reject", {"note": note}))

    @pytest.mark.parametrize("status", ["approved", "completed"])
    @pytest.mark.parametrize("name", ["reject", "confirm"])
    def test_approved_case_cannot_be_rejected_or_confirmed(self, name: str, status: str) -> None:
        system, case = caller(), case_in(status)

        with refused(400, "wrong_state") as responses:
            responses.append(transition(system, case, name))

    @pytest.mark.parametrize("status", ENDED)
    @pytest.mark.parametrize("name", ["confirm", "approve"])
    def test_ended_case_cannot_be_confirmed_or_approved(self, name: str, status: str) -> None:
        system, case = caller(), case_in(status)

        with refused(400, "wrong_state") as responses:
            responses.append(transition(system, case, name))

    def test_shipped_item_cannot_be_cancelled(self) -> None:
        system, item = caller(), cancellable_item()
        case = opened(item)
        type(item).objects.filter(pk=item.pk).update(status=500)

        for name in ("confirm", "approve"):
            with refused(400, "cancellation_request_100_2") as responses:
                responses.append(transition(system, case, name))

    def test_approved_case_cannot_be_removed(self) -> None:
        system, case = caller(), case_in("approved")

        with refused(400, "wrong_state") as responses:
            responses.append(remove(system, case))


class TestOpening:
    """New cases."""

    def new_case_body(self, **fields: Any) -> dict[str, Any]:
        """A valid body."""
        own = {"order_item": cancellable_item().pk, "reason": factories.create_reason().pk}
        return {"cancellation_type": "cancel"} | own | fields

    def test_item_of_other_channel_is_unknown(self) -> None:
        foreign = factories.items_of(factories.create_order(channel_id=shop.OTHER))[0]
        system, body = caller(), self.new_case_body(order_item=foreign.pk)

        with refused(400, "unknown_item", "order_item") as responses:
            responses.append(open_case(system, body))

    def test_item_with_an_open_case_is_refused(self) -> None:
        item = cancellable_item()
        opened(item)
        system, body = caller(), self.new_case_body(order_item=item.pk)

        with refused(400, "cancellation_request_100_1") as responses:
            responses.append(open_case(system, body))

    def test_reason_of_other_channel_is_unknown(self) -> None:
        foreign = factories.create_reason(channel=factories.create_channel(pk=shop.OTHER))
        system, body = caller(), self.new_case_body(reason=foreign.pk)

        with refused(400, "unknown_reason", "reason") as responses:
            responses.append(open_case(system, body))

    def test_remote_id_is_unique_per_item(self) -> None:
        system, item = caller(), cancellable_item()
        first = open_case(system, self.new_case_body(order_item=item.pk, remote_id="R"))
        transition(system, first.json()["id"], "reject")
        body = self.new_case_body(order_item=item.pk, remote_id="R")

        with refused(400, "remote_id_taken", "remote_id") as responses:
            responses.append(open_case(system, body))

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("order_item", None),
            ("order_item", "x"),
            ("order_item", 10**30),
            ("reason", None),
            ("reason", {}),
            ("cancellation_type", None),
            ("cancellation_type", "both"),
            ("quantity", 0),
            ("description", []),
            ("remote_id", "x" * 129),
            ("remote_id", 1),
            ("fully_refund_as_loyalty_money", None),
        ],
    )
    def test_invalid_field_of_new_case_is_named(self, field: str, value: Any) -> None:
        system, body = caller(), self.new_case_body(**{field: value})

        with refused(400, "invalid", field) as responses:
            responses.append(open_case(system, body))

    def test_invalid_iban_and_missing_holder_are_named_at_once(self) -> None:
        system, body = caller(), self.new_case_body(iban="x")

        with refused(400, "invalid", "iban", "holder_name") as responses:
            responses.append(open_case(system, body))

    def test_all_missing_fields_are_named_at_once(self) -> None:
        system = caller()

        with refused(400, "invalid", "order_item", "reason", "cancellation_type") as responses:
            responses.append(open_case(system, {}))

    @pytest.mark.parametrize(
        ("body", "code"),
        [(b"", "malformed_json"), (b"null", "object_expected"), (b"[]", "object_expected")],
    )
    def test_invalid_body_of_new_case_is_refused(self, body: bytes, code: str) -> None:
        system = caller()

        with refused(400, code) as responses:
            responses.append(open_case(system, body))
