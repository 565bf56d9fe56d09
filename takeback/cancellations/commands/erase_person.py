"""Erases a person's data from accounts, orders and cases; sums, cases and ledger stay."""

from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple

import structlog
from django.db import transaction
from django.db.models import Q

from takeback.accounts.models import User
from takeback.accounts.own_account import ANONYMOUS_DOMAIN, anonymize_customer
from takeback.addresses.address_book import anonymize_addresses, remove_book
from takeback.addresses.models import Address
from takeback.archive.commands import anonymize_old_orders
from takeback.cancellations.commands.forget_bank_accounts import NO_ACCOUNT
from takeback.cancellations.errors import PERSON_IN_USE
from takeback.cancellations.images import unclaimed_images
from takeback.cancellations.models import CancellationRequest, CancellationRequestImage
from takeback.cancellations.statuses import LIVE
from takeback.channel_sync.models import ErrorReport
from takeback.core.db.change_time import ChangeTime
from takeback.core.errors import Refused
from takeback.core.ids import OrderId
from takeback.core.normalize import email_key
from takeback.images.store import discard_images
from takeback.logistics.models import EasyReturn
from takeback.loyalty.models import LoyaltyAccount
from takeback.orders.commands.anonymize_orders import anonymize_orders
from takeback.orders.locks import lock_orders
from takeback.orders.models import Order
from takeback.refunds.models import Refund
from takeback.refunds.statuses import RESERVING

_LIVE_CASES: Final = [status.value for status in LIVE]
_LIVE_REFUNDS: Final = Q(status__in=[status.value for status in RESERVING]) | ~Q(attention="")

log = structlog.get_logger(__name__)


class Erased(NamedTuple):
    """The number of rows from which personal data was removed, and of deleted images."""

    accounts: int = 0
    orders: int = 0
    cases: int = 0
    images: int = 0


@transaction.atomic
def erase_person(email: str, *, now: datetime) -> Erased:
    """Erase the person with this e-mail address in all channels; repeating it is a no-op.

    Names, addresses, phone numbers, bank accounts, images and the shopper's texts are removed.
    Amounts, statuses, histories and the ledger stay: they hold ids and no names. Orders with the
    address of before a change of address belong to the person, too. `Refused` while a case is live
    or a refund is not final, because mails, labels and payments need the person.
    """
    key = email_key(email)
    if not key:
        return Erased()
    user_ids, order_ids = _person(key)
    # Opening a case takes these locks, too.
    lock_orders([OrderId(pk) for pk in order_ids])
    _ensure_finished(order_ids)
    cases = CancellationRequest.objects.filter(order_item__order_id__in=order_ids)
    case_ids = list(cases.values_list("pk", flat=True))
    _erase_returns(case_ids, user_ids)
    images = _erase_cases(case_ids)
    _erase_addresses(user_ids, order_ids)
    anonymous = {pk: _anonymous_email(name) for pk, name in _usernames(user_ids)}
    anonymize_orders(order_ids, anonymous)
    anonymize_old_orders(anonymous)
    _erase_loyalty_accounts(user_ids, key)
    _erase_traffic(order_ids)
    for user_id in user_ids:
        anonymize_customer(user_id, now=now)
    transaction.on_commit(lambda: discard_images(images))
    erased = Erased(len(user_ids), len(order_ids), len(case_ids), len(images))
    if any(erased):
        log.info("person erased", **erased._asdict())
    return erased


def _person(key: str) -> tuple[list[int], list[int]]:
    """The ids of the person's users and orders."""
    customers = User.objects.filter(is_staff=False)
    owners = Order.objects.filter(email_key=key).values("user_id")
    users = customers.filter(Q(email_key=key) | Q(pk__in=owners)).order_by("pk")
    user_ids = list(users.values_list("pk", flat=True))
    orders = Order.objects.filter(Q(user_id__in=user_ids) | Q(email_key=key)).order_by("pk")
    return user_ids, list(orders.values_list("pk", flat=True))


def _ensure_finished(order_ids: Collection[int]) -> None:
    cases = CancellationRequest.objects.filter(
        order_item__order_id__in=order_ids, status__in=_LIVE_CASES
    ).count()
    refunds = Refund.objects.filter(_LIVE_REFUNDS, order_id__in=order_ids).count()
    if cases or refunds:
        raise Refused(
            PERSON_IN_USE.with_values(cases=cases, refunds=refunds), cases=cases, refunds=refunds
        )


def _erase_returns(case_ids: Collection[int], user_ids: Collection[int]) -> None:
    """The traffic with carriers names the sender."""
    returns = EasyReturn.objects.filter(
        Q(cancellationrequest__in=case_ids) | Q(pickup_address__user__in=user_ids)
    )
    ids = list(returns.values_list("pk", flat=True))
    EasyReturn.objects.filter(pk__in=ids).update(raw_request=None, raw_response=None)


def _erase_cases(case_ids: Collection[int]) -> list[str]:
    """Returns the names of the images' files, to delete them after the transaction."""
    images = CancellationRequestImage.objects.filter(cancellation_request__in=case_ids)
    names = list(images.values_list("image", flat=True))
    images.delete()
    CancellationRequest.objects.filter(pk__in=case_ids).update(
        **NO_ACCOUNT, description=None, attributes={}, modified_date=ChangeTime()
    )
    return sorted(unclaimed_images(names))


def _erase_addresses(user_ids: Collection[int], order_ids: Collection[int]) -> None:
    """The books go; addresses of orders and pickups stay with their country and city."""
    pickups = EasyReturn.objects.filter(pickup_address__user__in=user_ids)
    recorded = list(pickups.values_list("pickup_address_id", flat=True))
    for user_id in user_ids:
        remove_book(user_id, recorded=recorded)
    orders = Order.objects.filter(pk__in=order_ids)
    anonymize_addresses(
        Address.objects.filter(
            Q(user__in=user_ids)
            | Q(pk__in=orders.values("shipping_address"))
            | Q(pk__in=orders.values("billing_address"))
        )
    )


def _erase_loyalty_accounts(user_ids: Collection[int], key: str) -> None:
    """The points stay as a sum that nobody can spend."""
    accounts = LoyaltyAccount.objects.filter(Q(user__in=user_ids) | Q(email_key=key))
    for pk, number in accounts.values_list("pk", "number"):
        anonymous = _anonymous_email(number.hex)
        LoyaltyAccount.objects.filter(pk=pk).update(
            user_email=anonymous, email_key=anonymous, debit_allowed=False
        )


def _erase_traffic(order_ids: Collection[int]) -> None:
    """Error reports of channel systems hold the traffic about an order."""
    reports = ErrorReport.objects.filter(
        Q(action_content_type="order", action_object_id__in=order_ids)
        | Q(target_content_type="order", target_object_id__in=order_ids)
    )
    reports.update(raw_request_encrypted=None, raw_response_encrypted=None)


def _usernames(user_ids: Collection[int]) -> list[tuple[int, str]]:
    return list(User.objects.filter(pk__in=user_ids).values_list("pk", "username"))


def _anonymous_email(name: str) -> str:
    return f"{name}@{ANONYMOUS_DOMAIN}"
