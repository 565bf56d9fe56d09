"""The content of demo.json: accounts with their secrets, the channel's key, orders and cases."""

import secrets

from takeback.accounts.api_keys import issue_key, matches, public_id_of
from takeback.accounts.models import ApiKey, Channel, User
from takeback.archive.models import OldOrder, OldOrderItem
from takeback.cancellations.models import CancellationRequest
from takeback.core import clock
from takeback.core.normalize import email_key
from takeback.demo.catalogue import read_data
from takeback.demo.refund_stories import REPLACED, STORIES
from takeback.demo.shop import STAFF_USERNAME
from takeback.demo.shoppers import CUSTOMER_EMAIL, GUEST_EMAIL
from takeback.demo.stories import GUEST
from takeback.home.demo_accounts import (
    ChannelKey,
    CustomerLogin,
    DemoAccounts,
    GuestOrder,
    SampleCase,
    SampleOrder,
    SampleRefund,
    StaffLogin,
)
from takeback.orders.models import Order, OrderItem
from takeback.refunds.models import Refund

_REPLACED_SHOWS = "It came back, and another one by bank transfer has replaced it."
_OLD_ORDER = "OLD-2019-0042"
_CONSONANTS, _VOWELS = "bdfghjklmnprstvz", "aeiou"


def demo_accounts(
    channel: Channel, url: str, previous: DemoAccounts | None, *, sandbox_url: str
) -> DemoAccounts:
    """The content for a start at this URL; secrets of the previous file stay if they are valid."""
    customer = User.objects.get(channel=channel, email_key=email_key(CUSTOMER_EMAIL))
    staff = User.objects.get(username=STAFF_USERNAME)
    customer_password = _password(customer, previous.customer.password if previous else "")
    staff_password = _password(staff, previous.staff.password if previous else "")
    api_key = _api_key(channel, previous.channel.api_key if previous else "")
    return DemoAccounts(
        url=url,
        customer=CustomerLogin(email=CUSTOMER_EMAIL, password=customer_password),
        guest=GuestOrder(email=GUEST_EMAIL, number=GUEST),
        staff=StaffLogin(username=STAFF_USERNAME, password=staff_password),
        channel=ChannelKey(id=channel.pk, api_key=api_key),
        stories=stories(channel),
        requests=requests(channel),
        refunds=refunds(channel, url),
        sandbox=sandbox_url,
    )


def stories(channel: Channel) -> dict[str, SampleOrder]:
    """The stories by name, as they are in the database."""
    rows = [row for row in read_data("stories")["order"] if "story" in row]
    numbers = {row["number"] for row in rows}
    orders = Order.objects.filter(channel=channel, number__in=numbers)
    by_number = {order.number: order for order in orders}
    by_name = {}
    for row in rows:
        items = OrderItem.objects.filter(order=by_number[row["number"]]).order_by("id")
        if row["story"] == "merged":
            items = items.filter(quantity__gt=1)
        ids = list(items.values_list("id", flat=True))
        by_name[row["story"]] = _story(by_number[row["number"]], ids)
    old = OldOrder.objects.get(user__channel=channel, number=_OLD_ORDER)
    old_items = OldOrderItem.objects.filter(old_order=old).order_by("id")
    return by_name | {"old_order": _story(old, list(old_items.values_list("id", flat=True)))}


def _story(order: Order | OldOrder, items: list[int]) -> SampleOrder:
    return SampleOrder(email=order.user_email, number=order.number, order=order.pk, items=items)


def requests(channel: Channel) -> dict[str, SampleCase]:
    """The introduced cases by name, as they are in the database; an older shop may lack some."""
    names = {
        (row["number"], item["sku"]): item["request"]
        for row in read_data("stories")["order"]
        for item in row["items"]
        if "request" in item
    }
    cases = CancellationRequest.objects.select_related("order_item__order").filter(
        order_item__order__channel=channel,
        order_item__order__number__in={number for number, _ in names},
    )
    by_name = {}
    # A new case on the same item replaces no story: the oldest one comes last.
    for case in cases.order_by("-id"):
        order = case.order_item.order
        if name := names.get((order.number, case.order_item.sku)):
            by_name[name] = SampleCase(
                id=case.pk,
                email=order.user_email,
                number=order.number,
                order=order.pk,
                item=case.order_item_id,
            )
    return by_name


def refunds(channel: Channel, url: str) -> dict[str, SampleRefund]:
    """The introduced refunds by the name of their story, as they are in the database."""
    names = {
        row["number"]: row["refund"] for row in read_data("stories")["order"] if "refund" in row
    }
    rows = Refund.objects.filter(order__channel=channel, order__number__in=names)
    cases = CancellationRequest.objects.filter(plan__in=rows.values("plan_id")).order_by("-id")
    case_of_plan = dict(cases.values_list("plan_id", "id"))
    by_name: dict[str, SampleRefund] = {}
    # The first refund of an order is the one of the story, unless another one replaced it.
    for refund in rows.select_related("order").order_by("-pk"):
        name = names[refund.order.number]
        if name == "other_means" and refund.replaces_id is None:
            name = REPLACED
        shows = _REPLACED_SHOWS if name == REPLACED else STORIES[name][0]
        by_name[name] = SampleRefund(
            email=refund.order.user_email,
            number=refund.order.number,
            id=refund.pk,
            order=refund.order_id,
            case=case_of_plan[refund.plan_id],
            open=f"{url}/desk/refunds/{refund.pk}",
            shows=shows,
        )
    return {name: by_name[name] for name in (*STORIES, REPLACED) if name in by_name}


def _password(user: User, previous: str) -> str:
    """The previous password if it is still valid, otherwise a new one."""
    if previous and user.check_password(previous):
        return previous
    syllables = [secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) for _ in range(8)]
    first, second = "".join(syllables[:4]), "".join(syllables[4:])
    password = f"{first}-{second}-{secrets.randbelow(10_000):04}"
    user.set_password(password)
    user.save(update_fields=["password"])
    return password


def _api_key(channel: Channel, previous: str) -> str:
    """The previous key if it is still valid, otherwise a new one."""
    key = ApiKey.objects.filter(
        public_id=public_id_of(previous) or "", channels=channel, revoked_at=None
    ).first()
    if key and matches(previous, key.secret_hash):
        return previous
    return issue_key("Demo", channel_ids=[channel.pk], scopes=ApiKey.SCOPES, now=clock.now()).text
