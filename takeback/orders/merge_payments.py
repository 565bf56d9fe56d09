"""The part of the merge rule that concerns payments: ids, captured amounts, several captures.

A payment is recognised by its reference, and without one by its kind and its amount. What was
unknown of it is filled in. A captured amount never falls, and another id is refused. A payment
without a reference may turn out to be several, one for each capture. Pure.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from takeback.core.errors import Problem
from takeback.core.money import show
from takeback.orders import errors
from takeback.orders.order_input import UNKNOWN_KIND, PaymentIn
from takeback.orders.payment_rows import (
    IDS,
    PaymentChanges,
    PaymentRow,
    PaymentUpdate,
    StoredPayment,
    difference,
)


class PaymentMerge:
    """Merges the payments of one order. An update is refused where a feed is skipped.

    `own_kind` is the kind of payments that are assumed without being received.
    """

    def __init__(
        self,
        stored: Sequence[StoredPayment],
        *,
        path: str,
        currency: str,
        own_kind: str,
        is_update: bool = False,
    ) -> None:
        self.skipped: list[str] = []
        self.refused: dict[str, Problem] = {}
        self._stored = stored
        self._rows = [PaymentRow(*payment) for payment in stored]
        self._path, self._currency, self._own_kind = path, currency, own_kind
        self._is_update = is_update

    def changes(self) -> PaymentChanges:
        """The difference between the merged payments and the stored ones."""
        return difference(self._stored, self._rows)

    def receive_all(self, received: Sequence[PaymentIn]) -> None:
        """Merge all payments of an order whose amount has not changed."""
        if not received:
            return
        updates = [PaymentUpdate.of(payment) for payment in received]
        matches = self._match(updates)
        for position, (update, row) in enumerate(zip(updates, matches, strict=True)):
            if row is not None and row.amount != update.amount:
                self._refuse(position, "amount")
            elif row is not None:
                self._fill(row, update, position)
        left = [n for n, row in enumerate(matches) if row is None]
        if left or not all(row.is_matched for row in self._rows):
            self._receive_others(updates, left)

    def receive_added(self, received: Sequence[PaymentIn], due: int) -> list[PaymentIn] | None:
        """Merge the payments of an order with an addition of this amount.

        Returns those that are new. None leaves them to the allocation: none were received, or
        they are known in another division. Refuses payments that do not make up the new amount.
        """
        if not received:
            return None
        updates = [PaymentUpdate.of(payment) for payment in received]
        matches = self._match(updates)
        raised = 0
        for position, (payment, row) in enumerate(zip(updates, matches, strict=True)):
            larger = row or self._smaller_row(payment)
            if larger is None:
                continue
            matches[position] = larger
            more = max(0, (payment.amount or 0) - larger.amount)
            raised += more
            if payment.captured is None and larger.captured == larger.amount:
                larger.captured += more
            larger.amount += more
            self._fill(larger, payment, position)
        new = [payment for payment, row in zip(received, matches, strict=True) if row is None]
        if self.refused or raised + sum(payment.amount_minor for payment in new) == due:
            return new
        total = sum(payment.amount_minor for payment in received)
        if total != due + sum(payment.amount for payment in self._stored):
            self.refused[self._path] = errors.ADDITION_DOES_NOT_ADD_UP
        self._rows = [PaymentRow(*payment) for payment in self._stored]
        return None

    def update(self, update: PaymentUpdate, position: int) -> None:
        """Merge what an update says of one payment."""
        row = self._same_reference(update) or self._only_match(update)
        if row is not None:
            self._fill(row, update, position)
            return
        larger = next((row for row in self._rows if row.can_contain(update)), None)
        if larger is not None:
            self._divide(larger, update, position)
        elif differing := self._differing(update):
            self._refuse_differing(differing, update, position)
        else:
            self.refused[f"{self._path}.{position}"] = errors.PAYMENT_NOT_IDENTIFIED

    def _match(self, updates: Sequence[PaymentUpdate]) -> list[PaymentRow | None]:
        """The stored payment of each received one: by reference, then by kind and amount."""
        matches = [self._same_reference(update) for update in updates]
        # Ids first: they take the payments whose ids are unknown.
        for position in sorted(range(len(updates)), key=lambda n: updates[n].reference is None):
            if matches[position] is None:
                candidates = self._candidates(updates[position])
                matches[position] = row = candidates[0] if candidates else None
                if row is not None:
                    row.is_matched = True
        return matches

    def _same_reference(self, update: PaymentUpdate) -> PaymentRow | None:
        for row in self._rows:
            has_account = "account" not in row.differing_ids(update)
            if row.has_reference(update) and has_account and not row.is_matched:
                row.is_matched = True
                return row
        return None

    def _candidates(self, update: PaymentUpdate) -> list[PaymentRow]:
        """Payments that it may concern, those of exactly its kind first."""
        rows = [row for row in self._rows if not row.is_matched and row.can_be(update)]
        return sorted(rows, key=lambda row: row.kind != update.kind)

    def _only_match(self, update: PaymentUpdate) -> PaymentRow | None:
        """The payment of an update. Without an amount there must be only one that fits."""
        rows = self._candidates(update)
        if not rows or (len(rows) > 1 and update.amount is None):
            return None
        rows[0].is_matched = True
        return rows[0]

    def _smaller_row(self, update: PaymentUpdate) -> PaymentRow | None:
        """A payment whose amount has grown to the received one."""
        candidates = self._candidates(update._replace(amount=None))
        row = next((row for row in candidates if row.amount < (update.amount or 0)), None)
        if row is not None:
            row.is_matched = True
        return row

    def _fill(self, row: PaymentRow, update: PaymentUpdate, position: int) -> None:
        """Fill in what is unknown of the payment, and raise its captured amount."""
        differing = row.differing_ids(update)
        for name in IDS:
            if name in differing:
                self._refuse(position, name)
            elif value := getattr(update, name):
                setattr(row, name, value)
        if update.currency is not None:
            currency = None if update.currency == self._currency else update.currency
            if row.currency not in (None, currency):
                self._refuse(position, "currency")
            row.currency = currency
        if row.kind == UNKNOWN_KIND:
            row.kind = update.kind or row.kind
        if update.captured is not None:
            self._raise_captured(row, update.captured, position)

    def _raise_captured(self, row: PaymentRow, captured: int, position: int) -> None:
        path = f"{self._path}.{position}.captured_amount"
        if captured > row.amount:
            self.refused[path] = errors.CAPTURED_ABOVE_AMOUNT.with_values(
                max=self._text(row.amount)
            )
        elif captured >= row.captured:
            row.captured = captured
        elif self._is_update:
            self.refused[path] = errors.CAPTURED_FALLS.with_values(min=self._text(row.captured))
        else:
            self.skipped.append(path)

    def _receive_others(self, updates: Sequence[PaymentUpdate], left: Sequence[int]) -> None:
        """Merge received payments that equal no stored one; `left` are their positions."""
        rows = [row for row in self._rows if not row.is_matched]
        has_ids = any(row.reference is not None for row in rows)
        for position in left:
            if differing := self._differing(updates[position]):
                differing.is_matched = True
                self._refuse_differing(differing, updates[position], position)
            elif has_ids and updates[position].reference is not None:
                self._refuse(position, "reference")
        if self.refused:
            return
        amounts = [updates[position].amount or 0 for position in left]
        if sum(amounts) != sum(row.amount for row in rows):
            self.refused[self._path] = errors.ORDER_IS_FIXED
        elif not self._divide_among(rows, updates, left):
            self._raise_together(rows, [updates[position] for position in left])

    def _divide_among(
        self, rows: Sequence[PaymentRow], updates: Sequence[PaymentUpdate], left: Sequence[int]
    ) -> bool:
        """Divide the only payment that is left into the received ones, if it may be those."""
        if not (len(rows) == 1 < len(left) and rows[0].can_be_divided):
            return False
        row, parts = rows[0], [updates[position] for position in left]
        own = [position for position in left if row.has_kind(updates[position])]
        is_assumed = row.kind in (self._own_kind, UNKNOWN_KIND)
        has_news = len(own) < len(left) or any(part.reference is not None for part in parts)
        can_be_it = own and (is_assumed or len(own) == len(left))
        # What is not reported is shared among the parts, up to their amounts.
        captured = sum(
            (part.amount or 0) if part.captured is None else part.captured for part in parts
        )
        if not (can_be_it and has_news and captured >= row.captured):
            return False
        for position in left:
            if position != own[-1]:
                self._divide(row, updates[position], position)
        self._fill(row, updates[own[-1]], own[-1])
        return True

    def _divide(self, row: PaymentRow, update: PaymentUpdate, position: int) -> None:
        """Divide a received payment from a larger one, which stays with the rest."""
        amount = update.amount or 0
        captured = min(amount, row.captured) if update.captured is None else update.captured
        rest = max(0, row.captured - captured)
        if rest > row.amount - amount:
            least = self._text(rest - (row.amount - amount) + captured)
            path = f"{self._path}.{position}.captured_amount"
            self.refused[path] = errors.CAPTURED_FALLS.with_values(min=least)
            return
        row.amount -= amount
        row.captured = rest
        kind = row.kind if update.kind in (None, UNKNOWN_KIND) else update.kind
        new = PaymentRow(None, kind, amount, 0, row.account, None, row.provider_order, row.currency)
        new.is_matched = True
        self._rows.append(new)
        self._fill(new, update._replace(captured=captured), position)

    def _raise_together(self, rows: Sequence[PaymentRow], updates: Sequence[PaymentUpdate]) -> None:
        """Raise the captured amounts of payments that are known in another division."""
        before: Counter[str | None] = Counter()
        after: Counter[str | None] = Counter()
        more: Counter[str | None] = Counter()
        for row in rows:
            before[row.kind] += row.amount
            more[row.kind] -= row.captured
        for update in updates:
            after[update.kind] += update.amount or 0
            more[update.kind] += update.captured or 0
        is_same = before == after and all(update.reference is None for update in updates)
        is_reported = all(update.captured is not None for update in updates)
        if not is_same or (is_reported and min(more.values()) < 0):
            self.skipped.append(self._path)
        elif is_reported:
            for row in rows:
                raised = min(more[row.kind], row.amount - row.captured)
                row.captured += raised
                more[row.kind] -= raised

    def _differing(self, update: PaymentUpdate) -> PaymentRow | None:
        """The payment that is stored with another id than the update has."""
        for row in self._rows:
            is_alike = row.has_kind(update) and update.amount in (None, row.amount)
            is_it = row.has_reference(update) or is_alike
            if is_it and not row.is_matched and row.differing_ids(update):
                return row
        return None

    def _refuse_differing(self, row: PaymentRow, update: PaymentUpdate, position: int) -> None:
        for name in row.differing_ids(update):
            self._refuse(position, name)

    def _refuse(self, position: int, name: str) -> None:
        problem = errors.PAYMENT_IS_FIXED if self._is_update else errors.ORDER_IS_FIXED
        self.refused[f"{self._path}.{position}.{name}"] = problem

    def _text(self, minor: int) -> str:
        return f"{show(minor, self._currency)} {self._currency.upper()}"


def capture(stored: Sequence[StoredPayment], changes: PaymentChanges) -> None:
    """Capture the payments of an order that has been paid, in full."""
    for payment in stored:
        values = changes.values.get(payment.id, {})
        captured = values.get("amount_minor", payment.amount)
        if captured != payment.captured:
            changes.values[payment.id] = values | {"captured_minor": captured}
    changes.added = [replace(new, captured_minor=new.amount_minor) for new in changes.added]
