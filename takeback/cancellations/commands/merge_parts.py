"""Merges the parts of an item into it again, once no case holds them."""

from collections import defaultdict
from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from takeback.accounts.policy import shop_policy
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.plans import PaidItem
from takeback.cancellations.statuses import LIVE
from takeback.core.db.change_time import ChangeTime
from takeback.orders.commands.merge_parts import can_merge, merge_part
from takeback.orders.models import OrderItem
from takeback.refunds.models import RefundPart


def merge_free_parts(case: CancellationRequest, now: datetime) -> None:
    """Merge the free parts of a closed case's item; the case then belongs to the whole item.

    A part is free if neither it nor its item has a live case. It stays what it is if it differs
    from the item in more than its units (`can_merge`), if it has a trade-in decision, if a refund
    was planned for it, or if both have a case with the same remote id. The caller holds the
    order's lock.
    """
    origin_id = case.order_item.split_from_id or case.order_item_id
    # Refunds that were cancelled remain, and show the item for which they were planned.
    has_refund = Exists(RefundPart.objects.filter(order_item=OuterRef("pk")))
    family = OrderItem.objects.filter(
        Q(pk=origin_id) | Q(~has_refund, split_from_id=origin_id, trade_in=None),
        order_id=case.order_item.order_id,
    )
    rows = {item.pk: item for item in family.select_related("order").order_by("pk")}
    item = rows.pop(origin_id, None)
    if item is None or not rows:
        return
    key = shop_policy(item.order.channel_id).item_quantity_key
    occupied_ids, remote_ids = _cases_of([origin_id, *rows])
    for part_id, part in rows.items():
        has_case = not occupied_ids.isdisjoint({origin_id, part_id})
        has_same_case = not remote_ids[origin_id].isdisjoint(remote_ids[part_id])
        if has_case or has_same_case or not can_merge(item, part, key):
            continue
        _move_references(part_id, origin_id)
        remote_ids[origin_id] |= remote_ids[part_id]
        merge_part(item, part, key, now)
        if part_id == case.order_item_id:
            case.order_item = item


def _cases_of(item_ids: list[int]) -> tuple[set[int], dict[int, set[str]]]:
    """The items with a live case, and the remote ids of the cases of each item."""
    cases = CancellationRequest.objects.filter(order_item_id__in=item_ids)
    occupied_ids, remote_ids = set[int](), defaultdict[int, set[str]](set)
    for item_id, status, remote_id in cases.values_list("order_item_id", "status", "remote_id"):
        if status in LIVE:
            occupied_ids.add(item_id)
        if remote_id is not None:
            remote_ids[item_id].add(remote_id)
    return occupied_ids, remote_ids


def _move_references(part_id: int, item_id: int) -> None:
    """Let the cases and the payments of a part refer to its item."""
    cases = CancellationRequest.objects.filter(order_item_id=part_id)
    cases.update(order_item_id=item_id, modified_date=ChangeTime())
    paid = PaidItem.objects.filter(orderitem_id=part_id)
    payments = list(paid.values_list("planpayment_id", flat=True))
    if payments:
        paid.delete()
        PaidItem.objects.bulk_create(
            [PaidItem(planpayment_id=payment, orderitem_id=item_id) for payment in payments],
            ignore_conflicts=True,
        )
