"""Codes by mail that open a guest's order, whatever the limits of the look-up say.

The mail goes to the order's own address, so a right code proves more than number and address do.
Everybody may request a code for any number: decision 0038 says why no stranger keeps the owner out.
"""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from takeback.accounts import link_tokens, one_time_secrets
from takeback.accounts.channels import site_url
from takeback.accounts.errors import CODE_BLOCKED
from takeback.accounts.sign_in import attempt
from takeback.core.client_ip import client_network
from takeback.core.errors import Refused, RuleProblem
from takeback.core.ids import OrderId, id_of
from takeback.core.normalize import number_key
from takeback.limits.commands import Bucket, increment, key_of, raise_alarms
from takeback.orders.models import Order
from takeback.orders.queries import GuestMailbox, OrderRow, guest_mailbox, orders_by_id
from takeback.outbox.commands import emit
from takeback.shoppers.account_limits import HOUR, count_request, uncount_request
from takeback.shoppers.topics import Topic

REQUEST_PATH = "/users/orders/anonymous/code/"
LINK_PATH = "/users/orders/anonymous/link/"
# As long as the window of the limit of mails: when a stranger has used up the mails of an hour,
# the owner has one whose code and link are valid.
LIFETIME = timedelta(hours=1)
MAILS_PER_HOUR = 3
TRIES = 5
# Three codes of a million values each live at a time: a day of guessing succeeds in 0.006 %.
FAILURES_PER_DAY = 20
NO_ORDER = 0
_DAY = 24 * HOUR
_KIND, _PURPOSE = "order-code", "order-code"

CODE_WRONG = RuleProblem(
    "order_code_100_1",
    400,
    _(
        "This code is wrong or has expired. Use the code or the link of the latest e-mail, or "
        "request a new code."
    ),
)


class MailedSecret(NamedTuple):
    """The code and the token of the link of one mail."""

    code: str
    token: str


def request_code(
    channel_id: int,
    number: str,
    *,
    language: str,
    address: str,
    granted: Sequence[int] = (),
    now: datetime,
) -> None:
    """Let the worker mail a code, if a guest's order has this number.

    The same statements run for unknown numbers. Above the limit of mails nothing happens; a client
    address above its limit is refused, unless it has access to the order by a grant.
    """
    mailbox = guest_mailbox(channel_id, number)
    if mailbox is None or mailbox.order_id not in granted:
        count_request(_KIND, settings.LOOKUP_PER_HOUR, address=address, now=now)
    mail = _count_mail(channel_id, number_key(number), now)
    if mail <= MAILS_PER_HOUR:
        payload: dict[str, int | str] = {
            "order": mailbox.order_id if mailbox else NO_ORDER,
            "secret": _secret_keys(channel_id, number_key(number), mailbox)[mail - 1],
            "language": language,
            "expires_at_epoch": int((now + LIFETIME).timestamp()),
        }
        with transaction.atomic():
            emit(Topic.ORDER_CODE_REQUESTED, key=uuid.uuid4().hex, payload=payload)


def issue_secret(secret_key: str, order: Order | None, now: datetime) -> MailedSecret | None:
    """A new code for the mail of a request, and a link; the codes of other mails stay valid.

    None if the order has no such mail: there is no order, or it has another address now. The code
    is issued all the same, so that checking one takes the same time for unknown numbers.
    """
    expires_at = now + LIFETIME
    code = one_time_secrets.issue_code(secret_key, tries=TRIES, expires_at=expires_at)
    if order is None or not order.email_key:
        return None
    keys = _keys_of_order(OrderId(order.pk), order.email_key)
    if secret_key not in keys:
        return None
    value = f"{order.pk}-{keys.index(secret_key)}"
    return MailedSecret(code, link_tokens.make_token(_PURPOSE, value, state=order.email_key))


def page_url(channel_id: int, token: str) -> str:
    """The URL of the page that opens the order in a browser."""
    return f"{site_url(channel_id)}{LINK_PATH}{token}/"


def accept_code(
    channel_id: int, number: str, code: str, *, address: str, now: datetime
) -> OrderRow:
    """The guest's order that a mailed code opens; the code is used up.

    Raises Refused for a wrong or old code (CODE_WRONG), and above the limits of wrong codes
    (CODE_BLOCKED): 5 an hour from one network, 20 a day from all networks together.
    """
    mailbox, counted = guest_mailbox(channel_id, number), number_key(number)
    keys = _secret_keys(channel_id, counted, mailbox)

    def check() -> bool:
        key = one_time_secrets.matching_key(keys, code, now)
        return key is not None and one_time_secrets.use_up(key, now)

    is_right = _attempt(channel_id, counted, address, check, now)
    if mailbox is None or not is_right:
        raise Refused(CODE_WRONG)
    uncount_request(_KIND, address)
    return orders_by_id(order_ids=[mailbox.order_id])[0]


def order_of_token(channel_id: int, token: str, now: datetime) -> OrderId | None:
    """The order that a mailed link would open now; the link stays valid."""
    link = _link_of(channel_id, token)
    return link[0] if link and one_time_secrets.is_live(link[1], now) else None


def accept_token(channel_id: int, token: str, now: datetime) -> OrderId | None:
    """The order that a mailed link opens; link and code of this mail are used up.

    Wrong codes do not end the link: only the mailbox has its token.
    """
    link = _link_of(channel_id, token)
    return link[0] if link and one_time_secrets.use_up(link[1], now) else None


def _link_of(channel_id: int, token: str) -> tuple[OrderId, str] | None:
    """The order and the key of the secret that a valid token names."""
    order_id, _, mail = link_tokens.value_of(token).partition("-")
    orders = Order.objects.filter(channel_id=channel_id, pk=id_of(order_id) or 0, user_type="guest")
    email_key = orders.values_list("email_key", flat=True).first()
    if not email_key or not link_tokens.is_valid(
        token, _PURPOSE, state=email_key, max_age=LIFETIME
    ):
        return None
    known_id = OrderId(int(order_id))
    return known_id, _keys_of_order(known_id, email_key)[int(mail)]


def _count_mail(channel_id: int, number: str, now: datetime) -> int:
    """Count a mail; its number within the hour, from 1."""
    if not settings.LIMITS_ENABLED:
        return 1
    bucket = Bucket(key_of("order-code-mail", str(channel_id), number), MAILS_PER_HOUR, HOUR)
    counts = increment([bucket], now)
    raise_alarms([bucket], counts, now)
    return counts[bucket.key].hits


def _attempt(
    channel_id: int, number: str, address: str, check: Callable[[], bool], now: datetime
) -> bool:
    """As `attempt`: a network is refused before it can use up the tries of all networks.

    The shoppers of a storefront server share its tries; the link of the mail needs none.
    """
    parts = (str(channel_id), number)
    network = key_of("order-code-network", *parts, client_network(address))
    all_networks = [Bucket(key_of("order-code-day", *parts), FAILURES_PER_DAY, _DAY)]

    def check_counted() -> bool:
        return attempt(all_networks, check, now, problem=CODE_BLOCKED)

    return attempt([Bucket(network, TRIES, HOUR)], check_counted, now, problem=CODE_BLOCKED)


def _secret_keys(channel_id: int, number: str, mailbox: GuestMailbox | None) -> list[str]:
    """The keys of the codes of an hour, one per mail, whether the order exists or not."""
    if mailbox:
        return _keys_of_order(mailbox.order_id, mailbox.email_key)
    return _numbered(key_of("order-code-of", "", str(channel_id), number))


def _keys_of_order(order_id: OrderId, email_key: str) -> list[str]:
    """A changed address has other keys, so codes of the old one end."""
    return _numbered(key_of("order-code-of", str(order_id), email_key))


def _numbered(key: str) -> list[str]:
    return [f"{key}:{mail}" for mail in range(1, MAILS_PER_HOUR + 1)]
