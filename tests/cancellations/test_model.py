"""Everything that may happen to cases, in any order, against a shop in memory (P2, P3, P8)."""

from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

import pytest
import zeal
from django.conf import LazySettings
from django.db import transaction
from hypothesis import seed
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations.commands.import_completed import Completed, record_completed
from takeback.cancellations.commands.open import open_case, open_cases
from takeback.cancellations.commands.transition import (
    approve,
    confirm,
    reject,
    remove,
    review,
    withdraw,
)
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationReason, CancellationRequest
from takeback.cancellations.statuses import Kind
from takeback.core.errors import Refused
from takeback.logistics.models import EasyReturnShippingCompany
from takeback.orders.commands.ingest import REFUSED, UPDATED
from tests import factories
from tests.cancellations.invalid_inputs import FLAWS
from tests.cancellations.invariants import Books, check, read
from tests.cancellations.reference_model import (
    CODES,
    COMMANDS,
    LET_IN,
    Case,
    Line,
    Person,
    World,
    expected_of_step,
    sees,
    usual_kind,
)
from tests.cancellations.shop import Shop, make_shop
from tests.conftest import CI, LONG

pytestmark = pytest.mark.heavy

SOON, LATE = factories.NOW + timedelta(hours=1), factories.NOW + timedelta(days=60)
STATUSES = [400, 400, 450, 450, 500, 550, 550, 550, 100, 600]
"""What a shop says of a line, the usual more often."""
ACCOUNT = BankAccount("TR330006100519786457841326", "Ayla Ray")

Command = Callable[..., None]
STEPS: list[Command] = [confirm, reject, withdraw, review, remove]
# What is approved waits for its money for ever here: it is rarer, or no line would be left.
MORE_STEPS = [*STEPS, *STEPS, approve]
T = TypeVar("T")


def attempt(act: Callable[[], T]) -> T | Refused:
    """What came of it."""
    try:
        return act()
    except Refused as refused:
        return refused


def some(things: Sequence[T], *, at_least: int, unique: bool = False) -> st.SearchStrategy[list[T]]:
    """A few of these; one more or less."""
    return st.lists(
        st.sampled_from(things), min_size=at_least, max_size=at_least + 2, unique=unique
    )


class Cases(RuleBasedStateMachine):
    """What is done to the database is done to `world`, too; they must stay the same."""

    shop: ClassVar[Shop]
    seen: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.world: World = deepcopy(self.shop.world)
        self.told = dict(self.shop.told)
        self.ended: list[tuple[Line, Case | None]] = []
        self.books: Books = read()
        self.changed = False
        self.undone = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    # Asking

    def open_lines(self, asker: Person | None = None) -> list[Line]:
        """Lines that can be asked for, by this person or by anybody."""
        found = [x for x in self.world.lines.values() if usual_kind(x) and not x.case]
        return [line for line in found if asker is None or sees(asker, line)]

    def right(self, data: st.DataObject, line: Line) -> NewCase:
        """An ask that nothing is wrong with, unless its reason or carrier is switched off."""
        kind = usual_kind(line) or Kind.CANCEL
        some = line.left > 1 and data.draw(st.booleans())
        ways = [None, False, True] if kind is Kind.REFUND else [None]
        comes_back = data.draw(st.sampled_from(ways))
        return NewCase(
            order_item=line.pk,
            kind=kind,
            reason=self.world.reason(kind),
            quantity=data.draw(st.integers(1, line.left)) if some else None,
            description="words",
            carrier=None if comes_back is None else self.world.carrier(needs_pickup=comes_back),
            pickup_address=min(line.purchase.copies) if comes_back else None,
            bank_account=ACCOUNT if line.purchase.paid_in_cash else None,
        )

    @precondition(lambda self: self.open_lines())
    @rule(data=st.data(), by_agent=st.booleans(), late=st.booleans(), waives=st.booleans())
    def ask_for_one(self, data: st.DataObject, *, by_agent: bool, late: bool, waives: bool) -> None:
        """A customer, a guest or an agent asks for a line; only an agent may set lateness aside."""
        line = data.draw(st.sampled_from(self.open_lines()))
        asker = self.shop.agent if by_agent else line.purchase.owner
        self.ask(self.right(data, line), asker, late=late, waives=waives)

    @precondition(lambda self: self.open_lines())
    @rule(data=st.data(), flaws=some(sorted(FLAWS), at_least=7, unique=True))
    def ask_wrongly(self, data: st.DataObject, flaws: list[str]) -> None:
        """Nothing of this is let in, and nothing of it leaves a trace."""
        for flaw in flaws:
            fits, spoil = FLAWS[flaw]
            lines = [line for line in self.world.lines.values() if usual_kind(line)]
            fitting = [x for x in lines if fits(x, usual_kind(x) or Kind.CANCEL)]
            if fitting:
                line = data.draw(st.sampled_from(fitting))
                self.ask(spoil(self.world, self.right(data, line)), line.purchase.owner)
        line = data.draw(st.sampled_from(self.open_lines()))
        ask = self.right(data, line)
        self.ask(ask, data.draw(st.sampled_from(self.shop.people)))
        self.ask_all([ask, replace(ask, quantity=99)], line.purchase.owner)
        self.ask_all([ask, ask], line.purchase.owner)
        self.tell_again(data, lie=True)

    def ask(self, ask: NewCase, asker: Person, *, late: bool = False, waives: bool = False) -> None:
        """Ask, and compare what comes of it with what should."""
        now = LATE if late else SOON
        staff = asker is self.shop.agent
        expected = self.world.expected(ask, asker, now, waives=waives and staff)
        came_to = attempt(
            lambda: open_case(ask, asker.scope, actor=asker.actor, now=now, override=waives)
        )
        if isinstance(came_to, Refused):
            assert came_to.problem.code == expected
            self.seen[expected] += 1
        else:
            assert expected == LET_IN
            self.let_in([ask], [came_to], "open_request")

    def let_in(self, asks: Sequence[NewCase], cases: Sequence[int], command: str) -> None:
        """Live cases from now on."""
        for ask, case in zip(asks, cases, strict=True):
            line = self.world.lines[ask.order_item]
            line.case = Case(case, ask.kind, ask.quantity or line.left)
        self.seen[command] += 1
        self.changed = True

    @precondition(lambda self: self.open_lines())
    @rule(data=st.data(), by_agent=st.booleans())
    def ask_for_many(self, data: st.DataObject, *, by_agent: bool) -> None:
        """Up to four lines of an owner; an agent asks for anybody's."""
        owner = data.draw(st.sampled_from(self.open_lines())).purchase.owner
        asker = self.shop.agent if by_agent else owner
        lines = st.sampled_from([line for line in self.open_lines() if sees(asker, line)])
        chosen = data.draw(st.lists(lines, min_size=1, max_size=4, unique_by=lambda x: x.pk))
        self.ask_all([self.right(data, line) for line in chosen], asker)

    def ask_all(self, asks: Sequence[NewCase], asker: Person) -> None:
        """All or nothing, and the first problem is named with its position."""
        expected = self.world.expected_of_all(asks, asker, SOON)
        came_to = attempt(lambda: open_cases(asks, asker.scope, actor=asker.actor, now=SOON))
        if isinstance(came_to, Refused):
            assert (came_to.problem.code, came_to.context["position"]) == expected
            self.seen[came_to.problem.code] += 1
        else:
            assert expected == (LET_IN, len(asks))
            self.let_in(asks, came_to, "open_many")

    # Deciding

    def live(self) -> list[Line]:
        """Lines with a case."""
        return [line for line in self.world.lines.values() if line.case]

    @precondition(lambda self: self.live())
    @rule(data=st.data(), commands=some(MORE_STEPS, at_least=2))
    def decide(self, data: st.DataObject, commands: list[Command]) -> None:
        """Live cases move on, if they can."""
        for command in commands:
            if lines := self.live():
                line = data.draw(st.sampled_from(lines))
                self.step(line, line.case, command, self.shop.agent)

    @precondition(lambda self: self.live() or self.ended)
    @rule(data=st.data(), command=st.sampled_from(MORE_STEPS))
    def decide_wrongly(self, data: st.DataObject, command: Command) -> None:
        """What is over stays over, and what belongs to others is not there."""
        cases = [(line, line.case) for line in self.live()] + self.ended
        line, case = data.draw(st.sampled_from(cases))
        strangers = [person for person in self.shop.people if not sees(person, line)]
        self.step(line, case, command, data.draw(st.sampled_from(strangers)))
        for over in self.ended[-2:]:
            self.step(*over, command, self.shop.agent)

    def step(self, line: Line, case: Case | None, command: Command, person: Person) -> None:
        """Take a step, and compare what comes of it with what should."""
        assert case is not None
        expected = expected_of_step(line, case, command.__name__, person)
        came_to = attempt(lambda: command(case.pk, person.scope, actor=person.actor, now=SOON))
        if isinstance(came_to, Refused):
            assert came_to.problem.code == expected
            self.seen[expected] += 1
            return
        assert expected == LET_IN
        self.seen[command.__name__] += 1
        self.changed = True
        self.stepped(line, case, command)

    def stepped(self, line: Line, case: Case, command: Command) -> None:
        """What a step has made of the case, and of its line."""
        if command is remove:
            case.is_hidden = True
        if command is review:
            case.status = "waiting_approval"
        elif command in (confirm, approve):
            held = self.confirmed(line, case)
            case.status = "confirmed" if command is confirm else "approved"
            assert held.case is case
        elif line.case is case:
            self.over(line)

    def confirmed(self, line: Line, case: Case) -> Line:
        """Its units wait for their end, on a line of their own if there are others."""
        if case.status == "confirmed":
            return line
        case.line_before = line.status
        if case.quantity < line.left:
            pk = CancellationRequest.objects.get(pk=case.pk).order_item_id
            assert pk not in self.world.lines
            part = replace(line, pk=pk, quantity=case.quantity, used=0, status=50)
            self.world.lines[pk] = part
            line.quantity -= case.quantity
            line.case = None
            return part
        line.status = 50
        return line

    def over(self, line: Line) -> None:
        """The line is free again, and what it was before."""
        case = line.case
        assert case is not None
        if case.line_before is not None:
            line.status = case.line_before
        line.case = None
        self.ended.append((line, case))

    # What happens elsewhere

    @rule(data=st.data(), acts=some(["tell", "undo", "switch"], at_least=1))
    def act_elsewhere(self, data: st.DataObject, acts: list[str]) -> None:
        """The shop's other systems go on."""
        for act in acts:
            if act == "tell":
                self.tell_again(data)
            elif act == "switch":
                self.switch(data, is_on=data.draw(st.sampled_from([True, True, False])))
            elif self.open_lines():
                self.undo_elsewhere(data)

    def tell_again(self, data: st.DataObject, *, lie: bool = False) -> None:
        """The shop says how far an order's lines are, or what cannot be."""
        number = data.draw(st.sampled_from(sorted(self.told)))
        order, moves = self.told[number], {}
        for item in order.items:
            status = data.draw(st.sampled_from(STATUSES))
            invoice = "INV" if status > 450 or data.draw(st.integers(0, 3)) == 0 else None
            moves[item.remote_id] = replace(
                item,
                status=status,
                invoice_number=invoice,
                delivered_date=factories.NOW if status == 550 else None,
                goods_minor=item.goods_minor + lie,
            )
        told = replace(order, items=list(moves.values()))
        [outcome] = factories.ingest(told, now=SOON)
        if lie:
            assert outcome.result == REFUSED
            self.seen["told otherwise"] += 1
        elif outcome.result == UPDATED:
            self.seen["told again"] += 1
            self.told[number], self.changed = told, True
            for line in self.world.lines.values():
                if line.purchase.number == number:
                    self.move(line, moves[line.shop_name])

    def move(self, line: Line, told: Any) -> None:
        """What the shop says of a line holds for all parts of it; for those that wait, it will."""
        if not line.is_held:
            line.status = told.status
        elif line.case and line.status == 50:
            line.case.line_before = told.status
        line.is_invoiced, line.arrived = bool(told.invoice_number), told.delivered_date

    def undo_elsewhere(self, data: st.DataObject) -> None:
        """Another system has cancelled some units."""
        line = data.draw(st.sampled_from(self.open_lines()))
        units = data.draw(st.integers(1, line.left))
        self.undone += 1
        told = Completed(line.pk, units, f"C{self.undone}", factories.NOW)
        record_completed(factories.SHOP, [told], reason_id=self.shop.imported_reason, now=SOON)
        line.used += units
        if not line.left:
            line.status = 100
        self.seen["undone elsewhere"] += 1
        self.changed = True

    def switch(self, data: st.DataObject, *, is_on: bool) -> None:
        """A reason or a carrier is offered no more, or again."""
        chosen = data.draw(st.sampled_from([*self.world.reasons, *self.world.carriers]))
        if chosen in self.world.reasons:
            self.world.reasons[chosen].is_active = is_on
            CancellationReason.objects.filter(pk=chosen).update(is_active=is_on)
        else:
            self.world.carriers[chosen].is_offered = is_on
            EasyReturnShippingCompany.objects.filter(pk=chosen).update(is_active=is_on)
        self.seen["switched"] += 1

    @invariant()
    def the_books_are_right(self) -> None:
        """A refusal has changed nothing; whatever was done, everything adds up."""
        before, self.books = self.books, read()
        if not self.changed:
            assert self.books == before
        self.changed = False
        check(self.books, self.shop, self.world)


@pytest.fixture
def _a_strict_shop(settings: LazySettings) -> None:
    """So that every refusal there is can be met."""
    settings.CANCEL_TIME_LIMIT_MINUTES = 24 * 60
    settings.REFUND_DAY_LIMIT = 14
    settings.STRICT_REASON_TYPE = True
    settings.LOYALTY_FOR_GUESTS = False


EXAMPLES = 1_000 if LONG else 60 if CI else 4
"""In one go; there are more until everything has been seen often enough."""
OFTEN, MOST_GOES = 20 if CI or LONG else 1, 10


@pytest.mark.usefixtures("_a_strict_shop")
@pytest.mark.timeout(0 if LONG else 600)
@pytest.mark.django_db
def test_a_shop_in_memory_and_the_database_agree_whatever_is_done() -> None:
    counted = hypothesis_settings(max_examples=EXAMPLES, stateful_step_count=40)
    with zeal.zeal_ignore():
        Cases.shop, Cases.seen = make_shop(), Counter()
        for number in range(MOST_GOES):
            run_state_machine_as_test(seed(number)(Cases), settings=counted)
            if min(Cases.seen[name] for name in COMMANDS | CODES) >= OFTEN:
                break
    for name, count in sorted(Cases.seen.items()):
        print(f"{count:6} {name}")  # noqa: T201 - the promise is that it prints them
    assert Cases.seen.keys() == COMMANDS | CODES
    assert min(Cases.seen.values()) >= OFTEN
