"""Calls about cases that are not what they should be: refused as documented, nothing written."""

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
    ask,
    call,
    caller,
    change,
    item,
    refused,
    remove,
    step,
)
from tests.factories import HttpClient

pytestmark = pytest.mark.django_db

METHODS = ["PUT", "PATCH"]
ENDED = ("rejected", "withdrawn", "completed")


def case_in(status: str, **fields: Any) -> int:
    """A case that is in this state."""
    return factories.create_case(item=item(), status=status, **fields).pk


class TestCallers:
    """K-1 to K-5."""

    @pytest.mark.parametrize("header", ["", "Bearer x", "Token", "Token  x", "token x", "Token x"])
    def test_no_key_decides_nothing(self, header: str) -> None:
        case, stranger = opened(item()), HttpClient(headers={"authorization": header})
        for method, path in (
            ("POST", CASES),
            ("PATCH", f"{CASES}{case}/"),
            ("PUT", f"{CASES}{case}/"),
            ("DELETE", f"{CASES}{case}/"),
            ("POST", f"{CASES}{case}/reject/"),
            ("POST", f"{CASES}{case}/confirm/"),
            ("POST", f"{CASES}{case}/approve/"),
        ):
            with refused(401, "not_authenticated") as answers:
                answers.append(call(stranger, method, path, {}))

    @pytest.mark.parametrize("channel", ["0", "-1", "abc", "1" * 41, str(shop.OTHER)])
    def test_a_channel_that_is_not_the_keys_is_not_there(self, channel: str) -> None:
        case, system = opened(item()), caller()
        factories.create_channel(pk=shop.OTHER)
        path = f"/api/v1/channel/{channel}/cancellation_requests/{case}/"

        with refused(404, "not_found") as answers:
            answers.append(call(system, "PATCH", path, {"status": "rejected"}))


class TestStatuses:
    """K-6."""

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize(
        ("before", "wanted"),
        [
            ("waiting", "completed"),
            ("waiting_approval", "waiting"),
            ("waiting_approval", "completed"),
            ("confirmed", "waiting"),
            ("confirmed", "waiting_approval"),
            ("confirmed", "completed"),
            *(
                (ended, wanted)
                for ended in ENDED
                for wanted in ("waiting", "confirmed", "approved")
            ),
            ("rejected", "completed"),
            ("completed", "rejected"),
            *product(["approved"], ("waiting", "confirmed", "rejected", "completed")),
        ],
    )
    def test_a_step_that_is_none_is_refused(self, method: str, before: str, wanted: str) -> None:
        system, case = caller(), case_in(before)

        with refused(400, "wrong_state") as answers:
            answers.append(change(system, case, {"status": wanted}, method))

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize(
        "status", ["", "Approved", "withdrawn", "open", 200, None, True, [], {}, "waiting,rejected"]
    )
    def test_what_is_no_status_is_refused(self, method: str, status: Any) -> None:
        system, case = caller(), opened(item())

        with refused(400, "invalid", "status") as answers:
            answers.append(change(system, case, {"status": status}, method))


class TestCorrections:
    """K-7 to K-12."""

    @pytest.mark.parametrize("method", METHODS)
    def test_what_a_case_is_about_is_fixed(self, method: str) -> None:
        system, case = caller(), opened(item())
        (other,) = factories.items_of(factories.create_order(number="2"))
        body = {"order_item": other.pk, "cancellation_type": "refund"}

        with refused(400, "invalid", *body) as answers:
            answers.append(change(system, case, body, method))

    @pytest.mark.parametrize("status", ["confirmed", "approved", "completed", "rejected"])
    @pytest.mark.parametrize("told", [{"quantity": 2}, {"fully_refund_as_loyalty_money": True}])
    def test_what_is_decided_is_not_corrected(self, status: str, told: Any) -> None:
        system, case = caller(), case_in(status)

        with refused(400, "wrong_state") as answers:
            answers.append(change(system, case, told))

    @pytest.mark.parametrize("status", ["approved", "completed", "rejected"])
    def test_an_account_is_fixed_once_the_money_is_planned(self, status: str) -> None:
        system = caller("money")
        case = case_in(status, iban=IBAN, holder_name=HOLDER)

        with refused(400, "wrong_state") as answers:
            answers.append(change(system, case, {"iban": OTHER_IBAN, "holder_name": HOLDER}))

    def test_more_than_was_bought_is_refused(self) -> None:
        system, case = caller(), opened(item(quantity=3))

        with refused(400, "quantity_too_large", "quantity") as answers:
            answers.append(change(system, case, {"quantity": 4}))

    def test_a_strict_shop_minds_a_reason_of_the_other_kind(self, settings: Settings) -> None:
        settings.STRICT_REASON_TYPE = True
        system, case = caller(), opened(item())
        other = factories.create_reason(kind=Kind.RETURN)

        with refused(400, "cancellation_request_100_4") as answers:
            answers.append(change(system, case, {"reason": other.pk}))

    def test_a_reason_must_be_on_offer(self) -> None:
        system, case = caller(), opened(item())
        foreign = factories.create_reason(channel=factories.create_channel(pk=shop.OTHER))
        gone = factories.create_reason(is_active=False)

        for reason in (foreign.pk, gone.pk, 10**9):
            with refused(400, "unknown_reason", "reason") as answers:
                answers.append(change(system, case, {"reason": reason}))

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
    def test_a_field_that_is_none_is_refused(self, method: str, field: str, value: Any) -> None:
        system = caller()
        case = opened(item(), bank_account=BankAccount(IBAN, HOLDER))

        with refused(400, "invalid", field) as answers:
            answers.append(change(system, case, {field: value}, method))

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
    def test_a_body_that_is_none_is_refused(self, method: str, body: bytes, code: str) -> None:
        system, case = caller(), opened(item())

        with refused(400, code) as answers:
            answers.append(change(system, case, body, method))

    def test_of_two_who_saw_the_same_one_is_late(self) -> None:
        system, case = caller(), opened(item())
        seen = {"If-Match": system.get(f"{CASES}{case}/").headers["ETag"]}
        assert change(system, case, {"description": "first"}, **seen).status_code == 200

        with refused(412, "precondition_failed") as answers:
            answers.append(change(system, case, {"description": "second"}, **seen))


class TestSteps:
    """K-13 to K-15."""

    @pytest.mark.parametrize(
        ("body", "code"),
        [(b"[]", "object_expected"), (b'"x"', "object_expected"), (b"{", "malformed_json")],
    )
    def test_a_step_needs_no_body_but_not_any(self, body: bytes, code: str) -> None:
        system, case = caller(), opened(item())

        with refused(400, code) as answers:
            answers.append(step(system, case, "reject", body))

    @pytest.mark.parametrize("note", [1, [], "x" * 2001, "a\u202eb"])
    def test_a_note_is_text(self, note: Any) -> None:
        system, case = caller(), opened(item())

        with refused(400, "invalid", "note") as answers:
            answers.append(step(system, case, "reject", {"note": note}))

    @pytest.mark.parametrize("status", ["approved", "completed"])
    @pytest.mark.parametrize("name", ["reject", "confirm"])
    def test_what_is_approved_stays_so(self, name: str, status: str) -> None:
        system, case = caller(), case_in(status)

        with refused(400, "wrong_state") as answers:
            answers.append(step(system, case, name))

    @pytest.mark.parametrize("status", ENDED)
    @pytest.mark.parametrize("name", ["confirm", "approve"])
    def test_what_has_ended_is_not_taken_up_again(self, name: str, status: str) -> None:
        system, case = caller(), case_in(status)

        with refused(400, "wrong_state") as answers:
            answers.append(step(system, case, name))

    def test_goods_that_have_left_are_cancelled_no_more(self) -> None:
        system, line = caller(), item()
        case = opened(line)
        type(line).objects.filter(pk=line.pk).update(status=500)

        for name in ("confirm", "approve"):
            with refused(400, "cancellation_request_100_2") as answers:
                answers.append(step(system, case, name))

    def test_removing_what_is_approved_is_refused(self) -> None:
        system, case = caller(), case_in("approved")

        with refused(400, "wrong_state") as answers:
            answers.append(remove(system, case))


class TestOpening:
    """K-17, K-18 and K-31."""

    def told(self, **fields: Any) -> dict[str, Any]:
        """A body that would be let in."""
        own = {"order_item": item().pk, "reason": factories.create_reason().pk}
        return {"cancellation_type": "cancel"} | own | fields

    def test_an_item_of_another_channel_is_unknown(self) -> None:
        foreign = factories.items_of(factories.create_order(channel_id=shop.OTHER))[0]
        system, body = caller(), self.told(order_item=foreign.pk)

        with refused(400, "unknown_item", "order_item") as answers:
            answers.append(ask(system, body))

    def test_an_item_with_an_open_case_is_refused(self) -> None:
        line = item()
        opened(line)
        system, body = caller(), self.told(order_item=line.pk)

        with refused(400, "cancellation_request_100_1") as answers:
            answers.append(ask(system, body))

    def test_a_reason_of_another_channel_is_unknown(self) -> None:
        foreign = factories.create_reason(channel=factories.create_channel(pk=shop.OTHER))
        system, body = caller(), self.told(reason=foreign.pk)

        with refused(400, "unknown_reason", "reason") as answers:
            answers.append(ask(system, body))

    def test_a_remote_id_is_used_once_for_an_item(self) -> None:
        system, line = caller(), item()
        first = ask(system, self.told(order_item=line.pk, remote_id="R"))
        step(system, first.json()["id"], "reject")
        body = self.told(order_item=line.pk, remote_id="R")

        with refused(400, "remote_id_taken", "remote_id") as answers:
            answers.append(ask(system, body))

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
            ("iban", "x"),
            ("remote_id", "x" * 129),
            ("remote_id", 1),
            ("fully_refund_as_loyalty_money", None),
        ],
    )
    def test_a_field_that_is_none_is_refused(self, field: str, value: Any) -> None:
        system, body = caller(), self.told(**{field: value})

        with refused(400, "invalid", field) as answers:
            answers.append(ask(system, body))

    def test_all_that_is_missing_is_named_at_once(self) -> None:
        system = caller()

        with refused(400, "invalid", "order_item", "reason", "cancellation_type") as answers:
            answers.append(ask(system, {}))

    @pytest.mark.parametrize(
        ("body", "code"),
        [(b"", "malformed_json"), (b"null", "object_expected"), (b"[]", "object_expected")],
    )
    def test_a_body_that_is_none_is_refused(self, body: bytes, code: str) -> None:
        system = caller()

        with refused(400, code) as answers:
            answers.append(ask(system, body))
