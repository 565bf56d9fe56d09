"""The queue of cases, and what staff did last."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from takeback.cancellations.labels import KINDS, PLAN_STATUSES, STATUSES, STEPS, subject_in
from takeback.core.ids import id_from_path
from takeback.desk import queries
from takeback.desk.base import DeskPage
from takeback.desk.filters import ALL, NEWEST, OLDEST, TO_DECIDE, UNDECIDED, QueueFilters
from takeback.desk.formatting import product_name


class Queue(DeskPage):
    """Cases of the agent's channels, whoever waits longest first."""

    def get(self, request: HttpRequest) -> HttpResponse:
        channels = self.agent.channels
        wanted = QueueFilters(request.GET.dict())
        rows = queries.queue(channels, wanted, start_of(request))
        shown = rows[: queries.PAGE]
        alike = queries.alike(channels, [row.id for row in shown])
        counts = queries.waiting(channels)
        told = {
            "wanted": wanted,
            "rows": [self._row(row) | {"alike": alike[row.id]} for row in shown],
            **_around(request, rows),
            "counts": [(status, STATUSES[status], counts.get(status, 0)) for status in TO_DECIDE],
            "total": sum(counts.values()),
            "orders": queries.orders_named(channels, wanted.number) if wanted.number else [],
            "choices": _choices(self.agent.channels),
        }
        return self.show("queue", told, status=400 if wanted.faults else 200)

    def _row(self, row: queries.QueueRow) -> dict[str, Any]:
        return {
            "id": row.id,
            "status": row.status,
            "status_word": STATUSES[row.status],
            "kind": KINDS[row.cancellation_type],
            "quantity": row.quantity,
            "at": row.created_date,
            "product": product_name(row.order_item__product__document, row.order_item__sku),
            "number": row.order_item__order__number,
            "email": row.order_item__order__user_email,
            "reason": subject_in(get_language(), row.reason__subject, row.reason__translations),
            "channel": self.agent.channels[row.channel_id],
        }


def _choices(channels: Any) -> dict[str, list[tuple[str, Promise | str]]]:
    return {
        "status": [(UNDECIDED, _("To be decided")), *STATUSES.items(), (ALL, _("All"))],
        "kind": list(KINDS.items()),
        "plan": list(PLAN_STATUSES.items()),
        "sort": [(OLDEST, _("Oldest first")), (NEWEST, _("Newest first"))],
        "channel": [(str(pk), name) for pk, name in channels.items()],
    }


def _around(
    request: HttpRequest, rows: Sequence[queries.QueueRow | queries.ActionRow]
) -> dict[str, Any]:
    """The pages beside this one; `rows` ends with the first row of the next, if there is one."""
    following = rows[queries.PAGE].id if len(rows) > queries.PAGE else None
    return {"is_first": "start" not in request.GET, "next_start": following}


def start_of(request: HttpRequest) -> int | None:
    """Where a page of a list begins; none: at its beginning."""
    told = request.GET.get("start")
    return None if told is None else id_from_path(told)


EVERYBODY = "all"


class Activity(DeskPage):
    """What staff did last: oneself, somebody else by number, or everybody."""

    def get(self, request: HttpRequest) -> HttpResponse:
        who = request.GET.get("who", "")
        user_id = None if who == EVERYBODY else self._person(who)
        rows = queries.actions(self.agent.channels, user_id, start_of(request))
        told = {
            "who": who,
            "is_own": user_id == self.agent.id,
            "person": rows[0].name if rows and user_id else "",
            **_around(request, rows),
            "actions": [
                {
                    "row": row,
                    "step": STEPS.get(row.event, row.event),
                    "number": row.cancellation_request__order_item__order__number,
                }
                for row in rows[: queries.PAGE]
            ],
        }
        return self.show("activity", told)

    def _person(self, who: str) -> int:
        return id_from_path(who) if who else self.agent.id
