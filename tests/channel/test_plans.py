"""A channel's plans: lists, filters and payments."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from takeback.cancellations.commands.transition import approve, confirm, reject
from takeback.cancellations.models import CancellationPlan, PlanPayment
from takeback.core import clock
from takeback.core.actor import Actor, ActorKind
from takeback.core.ids import CaseId
from tests import factories
from tests.cancellations.factories import LATER, SCOPE, STAFF
from tests.cancellations.factories import open_case as opened
from tests.cancellations.refunds import refunds_of, report
from tests.channel import shop
from tests.channel.case_calls import caller, refused, send
from tests.factories import HttpClient

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]


PLANS = f"/api/v1/channel/{shop.SHOP}/cancellation_plans/"
SYSTEM = Actor(ActorKind.CHANNEL, 5)


def confirmed(*, by: Actor = STAFF, **fields: Any) -> tuple[CancellationPlan, list[int]]:
    """A plan of an order with two items of 10.00 and 20.00, and the ids of the items."""
    options = {"number": "A-1"} | fields
    new_items = [factories.item_input(), factories.item_input(remote_id="2", goods_minor=2000)]
    items = factories.items_of(factories.create_order(items=new_items, **options))
    for item in items:
        confirm(opened(item), SCOPE, actor=by, now=LATER)
    return CancellationPlan.objects.get(order__number=options["number"]), [
        item.pk for item in items
    ]


def pay(caller: HttpClient, plan: int, payments: Any, **headers: str) -> Any:
    """POST a payment plan."""
    path = f"{PLANS}{plan}/create_payment_plan/"
    return send(caller, "POST", path, {"payment_plan": payments}, **headers)


def payment(*items: int, **fields: Any) -> dict[str, Any]:
    """A refund of these items."""
    return {"transaction_type": "refund", "order_items": list(items)} | fields


def stored_payments() -> list[tuple[str, int, list[int]]]:
    """The stored payments with their items."""
    return [
        (
            row.transaction_type,
            row.refund_minor,
            sorted(row.order_items.values_list("pk", flat=True)),
        )
        for row in PlanPayment.objects.order_by("pk")
    ]


class TestReading:
    def test_plan_has_all_keys(self) -> None:
        plan, items = confirmed(shipping_minor=300)
        system = caller("money")
        pay(system, plan.pk, [payment(*items, refund_amount=29.5)])
        plan.refresh_from_db()

        response = system.get(f"{PLANS}{plan.pk}/")

        assert response.status_code == 200
        assert b'"refund_amount":30.00,' in response.content
        cases = list(plan.cancellationrequest_set.order_by("pk").values_list("pk", flat=True))
        assert response.json() == {
            "pk": plan.pk,
            "id": plan.pk,
            "uuid": str(plan.uuid),
            "order": plan.order_id,
            "order_number": "A-1",
            "channel": shop.SHOP,
            "plan_type": "cancel",
            "status": "waiting",
            "currency": "try",
            "refund_amount": 30,
            "discount_refund_amount": 0,
            "shipping_refund_amount": 3,
            "forced_refund_amount": None,
            "is_cargo_refund": False,
            "refund_invoice_number": None,
            "refund_invoice_date": None,
            "cancellation_requests": cases,
            "order_items": items,
            "payment_plan": [
                {"transaction_type": "refund", "order_items": items, "refund_amount": 29.5}
            ],
            "created_by": STAFF.number,
            "modified_by": STAFF.number,
            "staff_remote_id": None,
            "retail_store_remote_id": None,
            "created_date": LATER.isoformat().replace("+00:00", "Z"),
            "modified_date": plan.modified_date.isoformat().replace("+00:00", "Z"),
        }

    @pytest.mark.parametrize("code", ["try", "jpy", "kwd"])
    def test_amounts_have_the_decimals_of_their_currency(self, code: str) -> None:
        plan, _ = confirmed(currency=code)

        content = caller().get(f"{PLANS}{plan.pk}/").content

        shown = {"try": b"30.00", "jpy": b"3000", "kwd": b"3.000"}[code]
        assert b'"refund_amount":%s,' % shown in content

    def test_lists_need_the_same_queries_for_any_length(self) -> None:
        system = caller()
        costs = []
        for number in ("1", "2"):
            confirmed(number=number)
            for path in (PLANS, f"{PLANS}updates/", f"{PLANS}inserts_or_updates/"):
                with CaptureQueriesContext(connection) as queries:
                    assert system.get(path).status_code == 200
                costs.append(len(queries))
        # Key, rate limit, plans, cases, payments; an envelope also counts. On PostgreSQL the lists
        # of changes also read the announced writers.
        writers = 1 if connection.vendor == "postgresql" else 0
        assert costs == [6, 5 + writers, 5 + writers] * 2

    def test_bare_lists_show_the_latest_change_first(self) -> None:
        first, _ = confirmed(number="1")
        second, _ = confirmed(number="2")
        CancellationPlan.objects.filter(pk=first.pk).update(modified_date=clock.now())
        system = caller()

        assert [row["id"] for row in system.get(PLANS).json()["results"]] == [second.pk, first.pk]
        for name in ("updates", "inserts_or_updates"):
            rows = system.get(f"{PLANS}{name}/").json()
            assert [row["id"] for row in rows] == [first.pk, second.pk]
            assert system.get(f"{PLANS}{name}/?limit=1&page=2").json() == [rows[1]]
            assert system.get(f"{PLANS}{name}/?page=9").json() == []

    def test_statuses_are_listed(self) -> None:
        statuses = caller().get(f"{PLANS}statuses/").json()

        assert statuses == [
            "waiting",
            "approved",
            "waiting_for_payment",
            "completed",
            "rejected",
        ]

    @pytest.mark.parametrize(
        ("query", "finds"),
        [
            ("plan_type=cancel", True),
            ("plan_type=refund", False),
            ("cancellation_plan_status=waiting", True),
            ("cancellation_plan_status=confirmed", True),
            ("cancellation_plan_status=completed", False),
            ("order_number=a-1", True),
            ("order_number=a-2", False),
            ("order_id=999999", False),
            ("channel_type=web", True),
            ("channel_type=store", False),
            ("channel_id__in=1,2", True),
            ("channel_id__in=2", False),
            ("invoice_number=INV-1", True),
            ("invoice_number=INV-2", False),
            ("created_by=1", True),
            ("created_by=5", False),
            ("modified_by=1", True),
            ("modified_by=2", False),
            ("staff_remote_id=1", False),
            ("retail_store_remote_id=1", False),
            ("unknown=1", True),
            ("plan_type=", True),
        ],
    )
    def test_plans_are_filtered(self, query: str, *, finds: bool) -> None:
        plan, _ = confirmed()
        CancellationPlan.objects.filter(pk=plan.pk).update(refund_invoice_number="INV-1")

        for path in (PLANS, f"{PLANS}inserts_or_updates/"):
            document = caller().get(f"{path}?{query}").json()
            rows = document["results"] if isinstance(document, dict) else document
            assert [row["id"] for row in rows] == ([plan.pk] if finds else [])

    @pytest.mark.parametrize(
        "query",
        [
            "plan_type=evil",
            "cancellation_plan_status=Waiting",
            "order_id=x",
            "order_id=-1",
            "channel_id__in=1,x",
            "created_by=%00",
            "order_number=%00",
            "plan_type=cancel&plan_type=refund",
        ],
    )
    def test_invalid_filter_is_refused(self, query: str) -> None:
        system = caller()
        name = query.partition("=")[0]

        with refused(400, "invalid", name) as responses:
            responses.append(system.get(f"{PLANS}?{query}"))

    def test_plan_of_a_system_has_no_staff_id(self) -> None:
        plan, _ = confirmed(by=SYSTEM)
        system = caller()

        shown = system.get(f"{PLANS}{plan.pk}/").json()
        assert (shown["created_by"], shown["modified_by"]) == (None, None)
        assert system.get(f"{PLANS}?created_by=5").json()["count"] == 0

    @pytest.mark.parametrize("prefix", shop.PREFIXES)
    def test_plan_of_other_channel_is_not_found(self, prefix: str) -> None:
        plan, items = confirmed()
        other = shop.client(shop.key(scopes=["read", "money"], channels=[shop.OTHER]))
        path = f"{prefix}/channel/{shop.OTHER}/cancellation_plans/"

        assert other.get(path).json()["count"] == 0
        for pk in (plan.pk, 0, 10**40, "x"):
            with refused(404, "not_found") as responses:
                responses.append(other.get(f"{path}{pk}/"))
            body = {"payment_plan": [payment(*items)]}
            with refused(404, "not_found") as responses:
                responses.append(send(other, "POST", f"{path}{pk}/create_payment_plan", body))


class TestPaying:
    def test_payments_are_stored_and_replaced(self) -> None:
        plan, (first_item, second_item) = confirmed()
        system = caller("money")

        response = pay(
            system,
            plan.pk,
            [
                payment(first_item, second_item, refund_amount="12.5"),
                payment(first_item, transaction_type="cancel", refund_amount=17),
            ],
        )

        assert (response.status_code, response.json()) == (200, {})
        assert stored_payments() == [
            ("refund", 1250, [first_item, second_item]),
            ("cancel", 1700, [first_item]),
        ]
        row = PlanPayment.objects.first()
        assert row is not None
        assert row.created_by_kind == "channel"
        assert pay(system, plan.pk, [payment(second_item, refund_amount=1)]).status_code == 200
        assert stored_payments() == [("refund", 100, [second_item])]

    @pytest.mark.parametrize(
        ("currency", "amount", "minor"),
        [("try", "7.5", 750), ("jpy", 7, 7), ("kwd", "1.250", 1250)],
    )
    def test_amounts_have_the_decimals_of_the_currency(
        self, currency: str, amount: Any, minor: int
    ) -> None:
        plan, (item, _) = confirmed(currency=currency)

        response = pay(caller("money"), plan.pk, [payment(item, refund_amount=amount)])

        assert response.status_code == 200
        assert stored_payments() == [("refund", minor, [item])]

    def test_missing_amount_is_the_value_of_the_items(self) -> None:
        plan, (first_item, second_item) = confirmed()

        pay(
            caller("money"),
            plan.pk,
            [payment(first_item), payment(second_item, second_item, refund_amount=None)],
        )

        assert stored_payments() == [
            ("refund", 1000, [first_item]),
            ("refund", 2000, [second_item]),
        ]

    def test_missing_amount_for_all_items_is_the_whole_plan(self) -> None:
        plan, (first_item, second_item) = confirmed()
        CancellationPlan.objects.filter(pk=plan.pk).update(forced_refund_minor=555)

        pay(caller("money"), plan.pk, [payment(first_item, second_item)])

        assert stored_payments() == [("refund", 555, [first_item, second_item])]

    def test_payment_plan_accepts_no_slash_and_runs_once_per_key(self) -> None:
        plan, items = confirmed()
        system = caller("money")
        path, body = f"{PLANS}{plan.pk}/create_payment_plan", {"payment_plan": [payment(*items)]}

        first = send(system, "POST", path, body, **{"Idempotency-Key": "a"})
        again = send(system, "POST", path, body, **{"Idempotency-Key": "a"})

        assert (first.status_code, again.status_code) == (200, 200)
        assert again.headers["Idempotent-Replayed"] == "true"

    @pytest.mark.parametrize("amounts", [[30.01], [15, 15.01], [None, 20.01]])
    def test_payments_above_the_plan_are_refused(self, amounts: list[Any]) -> None:
        plan, (first_item, second_item) = confirmed()
        system = caller("money")
        payments = [
            payment(item, refund_amount=amount)
            for item, amount in zip((first_item, second_item), amounts, strict=False)
        ]

        with refused(400, "more_than_planned", "payment_plan") as responses:
            responses.append(pay(system, plan.pk, payments))

    def test_items_of_other_plans_are_refused(self) -> None:
        plan, (first_item, _) = confirmed()
        _, (foreign, _) = confirmed(number="A-2")
        system = caller("money")

        for item in (foreign, 10**9):
            with refused(400, "not_of_this_plan", "payment_plan") as responses:
                responses.append(pay(system, plan.pk, [payment(first_item, item)]))

    @pytest.mark.parametrize(
        "payments",
        [
            None,
            [],
            {},
            "x",
            [1],
            [payment()],
            [{"order_items": [1]}],
            [{"transaction_type": "refund"}],
            [payment(1, transaction_type="evil")],
            [payment(1, transaction_type=1)],
            [payment(1, order_items="1")],
            [payment(1, order_items=[True])],
            [payment(1, order_items=[10**30])],
            [payment(1, refund_amount=-1)],
            [payment(1, refund_amount=0.001)],
            [payment(1, refund_amount=True)],
            [payment(1, refund_amount="NaN")],
            [payment(1, refund_amount="\u0661\u0660")],
            [payment(1, refund_amount="1e2")],
            [payment(1, refund_amount=10**15)],
            [payment(1, refund_amount={})],
            [payment(1)] * 51,
        ],
    )
    def test_invalid_payment_is_refused(self, payments: Any) -> None:
        plan, _ = confirmed()
        system = caller("money")

        before = stored_payments()
        response = pay(system, plan.pk, payments)

        assert (response.status_code, response.json()["code"]) == (400, "invalid")
        assert set(response.json()) == {"payment_plan", "code"}
        assert stored_payments() == before

    def test_ended_plan_accepts_no_payments(self) -> None:
        plan, items = confirmed()
        for case in plan.cancellationrequest_set.values_list("pk", flat=True):
            reject(CaseId(case), SCOPE, actor=STAFF, now=LATER)
        system = caller("money")

        with refused(400, "wrong_state") as responses:
            responses.append(pay(system, plan.pk, [payment(*items)]))

    def test_payments_of_an_approved_plan_replace_its_refunds(self) -> None:
        plan, items = confirmed()
        for case in plan.cancellationrequest_set.values_list("pk", flat=True):
            approve(CaseId(case), SCOPE, actor=STAFF, now=LATER)
        assert stored_payments() == [("cancel", 3000, items)]

        response = pay(caller("money"), plan.pk, [payment(items[1], refund_amount=12)])

        assert response.status_code == 200
        assert stored_payments() == [("refund", 1200, [items[1]])]
        assert [refund.amount_minor for refund in refunds_of(plan.pk)] == [1200]

    @pytest.mark.parametrize("status", ["pending", "confirmed", "failed"])
    def test_plan_accepts_no_payments_once_a_refund_has_left(self, status: str) -> None:
        plan, items = confirmed()
        for case in plan.cancellationrequest_set.values_list("pk", flat=True):
            approve(CaseId(case), SCOPE, actor=STAFF, now=LATER)
        report(refunds_of(plan.pk)[0], status)
        system = caller("money")

        with refused(400, "wrong_state") as responses:
            responses.append(pay(system, plan.pk, [payment(*items)]))

    def test_payments_that_no_longer_fit_are_deleted(self) -> None:
        plan, (first_item, second_item) = confirmed()
        system = caller("money")
        first, _ = plan.cancellationrequest_set.order_by("pk").values_list("pk", flat=True)
        pay(system, plan.pk, [payment(second_item, refund_amount=20)])
        reject(CaseId(first), SCOPE, actor=STAFF, now=LATER)
        assert stored_payments() == [("refund", 2000, [second_item])]

        other, (first_item, second_item) = confirmed(number="A-2")
        first, _ = other.cancellationrequest_set.order_by("pk").values_list("pk", flat=True)
        pay(system, other.pk, [payment(first_item, refund_amount=1)])
        reject(CaseId(first), SCOPE, actor=STAFF, now=LATER)
        assert len(stored_payments()) == 1

    @pytest.mark.parametrize("scopes", [["read"], ["read", "decide"]])
    def test_payments_need_scope_money(self, scopes: list[str]) -> None:
        plan, items = confirmed()
        system = shop.client(shop.key(scopes=scopes))
        system.get(PLANS)

        with refused(403, "permission_denied") as responses:
            responses.append(pay(system, plan.pk, [payment(*items)]))

    def test_database_refuses_a_negative_payment(self) -> None:
        plan, _ = confirmed()
        row = PlanPayment(plan=plan, transaction_type="refund", refund_minor=-1)

        with pytest.raises(IntegrityError), transaction.atomic():
            row.save()
