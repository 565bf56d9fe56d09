"""Own things only: whose items may be asked for, and what everybody else is told (P20 to P22)."""

from typing import Any

import pytest

from takeback.addresses.models import Address
from takeback.cancellations import errors
from takeback.cancellations.models import CancellationRequest
from takeback.orders.statuses import Status
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import look_up, nothing_written, post, prove, refused, token_of
from tests.storefront.routes import (
    CUSTOMERS_NUMBER,
    DIALECTS,
    LOOKUP_FAILED,
    WAYS,
    Shop,
    everywhere,
    refused_everywhere,
    texts,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

GUESTS = {name: way for name, way in WAYS.items() if way.is_guest}
CUSTOMERS = {name: way for name, way in WAYS.items() if not way.is_guest}
OTHER = "other@example.com"


@pytest.fixture(autouse=True)
def _uncounted(settings: Any) -> None:
    """How often somebody may ask is another matter."""
    settings.LIMITS_ENABLED = False


def _foreign_items() -> dict[str, int]:
    """Items that neither visitor may name."""
    other = factories.create_customer(email=OTHER)
    namesake = factories.create_customer(email=factories.CUSTOMER, channel_id=2)
    orders = {
        "another customer's": factories.create_order(customer=other, number="11"),
        "another channel's, same e-mail": factories.create_order(
            customer=namesake, number=CUSTOMERS_NUMBER, channel_id=2
        ),
        "another channel's guest's, same number": factories.create_order(channel_id=2),
        "a guest's with the customer's e-mail": factories.create_order(
            guest=factories.CUSTOMER, number="12"
        ),
        "the same guest's other order": factories.create_order(number="13"),
        "another guest's": factories.create_order(guest=OTHER, number="14"),
    }
    found = {name: factories.items_of(order)[0].pk for name, order in orders.items()}
    return found | {"nobody's": 10**9, "out of range": 2**63, "zero": 0}


def test_a_foreign_item_is_as_unknown_as_none_at_all() -> None:
    # C3, C4
    shop = Shop()
    for pk in _foreign_items().values():
        refused_everywhere(shop, errors.UNKNOWN_ITEM, {"order_item": pk})


def test_each_visitor_s_item_is_foreign_to_the_other() -> None:
    # C33
    shop = Shop()
    for ways, pk in (
        (GUESTS, shop.item(WAYS["customer one"]).pk),
        (CUSTOMERS, shop.item(WAYS["guest one"]).pk),
    ):
        for name, way, dialect in everywhere(ways):
            answer = shop.ask(way, dialect, order_item=pk)
            told = answer.status_code, answer.json()
            assert told == way.refusal(dialect, errors.UNKNOWN_ITEM), name


def _silent(shop: Shop, body_of: Any, client: HttpClient, headers: dict[str, str]) -> None:
    """Both guest routes say what a look-up says, in both dialects."""
    with nothing_written():
        for name, way, dialect in everywhere(GUESTS):
            answer = post(client, way.path, body_of(way), headers=headers | dialect)
            assert (answer.status_code, answer.json()) == (400, LOOKUP_FAILED), name


def test_an_item_alone_is_never_enough() -> None:
    # C2, P21: neither without a session nor with one that proves nothing.
    shop = Shop()

    def item_alone(way: Any) -> Any:
        named = shop.body(way, shop.told(way))
        return {key: value for key, value in named.items() if key not in ("number", "email")}

    _silent(shop, item_alone, HttpClient(), {})
    stranger = HttpClient()
    stranger.cookies["osessionid"] = "x" * 32
    _silent(shop, item_alone, stranger, token_of(stranger))
    _silent(shop, item_alone, shop.customer, shop.token)
    assert CancellationRequest.objects.count() == 0


@pytest.mark.parametrize("name", ["unknown number", "other e-mail", "a customer's", "channel 2"])
def test_a_pair_that_does_not_match_is_one_answer(name: str) -> None:
    # P19: as in the look-up, whatever the item is.
    shop = Shop()
    factories.create_order(number="22", channel_id=2)
    pairs = {
        "unknown number": {"number": "0"},
        "other e-mail": {"email": OTHER},
        "a customer's": {"number": CUSTOMERS_NUMBER, "email": factories.CUSTOMER},
        "channel 2": {"number": "22"},
    }
    _silent(shop, lambda way: shop.body(way, shop.told(way)) | pairs[name], HttpClient(), {})
    pair = {"number": factories.NUMBER, "email": factories.GUEST} | pairs[name]
    told = look_up(number=pair["number"], email=pair["email"])
    assert (told.status_code, told.json()) == (400, LOOKUP_FAILED)


@pytest.mark.parametrize("key", ["number", "order"])
def test_a_guest_names_the_order_by_either_word(key: str) -> None:
    shop = Shop()
    way = WAYS["guest one"]
    body = {key: factories.NUMBER, "email": factories.GUEST.upper()} | shop.told(way)
    answer = post(HttpClient(), way.path, body)

    # The word tells the dialect, too.
    assert answer.status_code == (201 if key == "number" else 200)
    assert CancellationRequest.objects.get().order_item_id == shop.item(way).pk


def test_a_proof_opens_its_own_order_and_no_other_of_the_same_address() -> None:
    # P21
    shop = Shop()
    foreign = _foreign_items()
    prove(shop.guest)
    headers = token_of(shop.guest)
    for pk in [*foreign.values(), shop.item(WAYS["customer one"]).pk]:

        def body_of(way: Any, pk: int = pk) -> Any:
            told = shop.told(way, order_item=pk)
            return {"cancel_order_items": [told]} if way.is_bulk else told

        if pk in (0, 2**63):
            continue  # no number of any row: a field error, whoever asks
        _silent(shop, body_of, shop.guest, headers)
    own = post(shop.guest, WAYS["guest one"].path, shop.told(WAYS["guest one"]), headers=headers)
    assert own.status_code == 200


def test_naming_one_order_does_not_open_a_proven_other() -> None:
    # P21: what is named counts, not what was proven before.
    shop = Shop()
    second = factories.create_order(number="13")
    prove(shop.guest)
    way = WAYS["guest one"]
    body = shop.body(way, shop.told(way)) | {"number": "13"}
    for dialect in DIALECTS:
        answer = post(shop.guest, way.path, body, headers=token_of(shop.guest) | dialect)
        told = answer.status_code, answer.json()
        assert told == way.refusal(dialect, errors.UNKNOWN_ITEM)
    assert factories.items_of(second)[0].status == Status.APPROVED


def test_an_e_mail_address_alone_is_a_look_up_that_lacks_its_number() -> None:
    # P21: whoever begins to name an order is not answered by what they proved before.
    shop = Shop()
    prove(shop.guest)
    headers = token_of(shop.guest)
    with nothing_written():
        for name, way, dialect in everywhere(GUESTS):
            told = shop.body(way, shop.told(way))
            body = {key: value for key, value in told.items() if key != "number"}
            answer = post(shop.guest, way.path, body, headers=headers | dialect)
            missing = {"number": texts("This field is required.", dialect)}
            assert (answer.status_code, answer.json()) == (400, missing), name


def test_a_proof_that_is_over_is_none() -> None:
    shop = Shop()
    prove(shop.guest)
    headers = token_of(shop.guest)
    session = shop.guest.session
    kept = {key: [0, 0] for key in session["proofs"]}
    session["proofs"] = kept
    session.save()
    shop.guest.cookies["osessionid"] = str(session.session_key)

    told = shop.told(WAYS["guest one"])
    answer = post(shop.guest, WAYS["guest one"].path, told, headers=headers)
    assert (answer.status_code, answer.json()) == (400, LOOKUP_FAILED)


def test_a_guest_is_not_signed_in() -> None:
    # C33
    shop = Shop()
    prove(shop.guest)
    for client, headers in ((shop.guest, token_of(shop.guest)), (HttpClient(), {})):
        with nothing_written():
            for way, item in ((w, WAYS["guest one"]) for w in CUSTOMERS.values()):
                path = way.path.format(number=factories.NUMBER)
                body = shop.body(way, shop.told(item))
                refused(post(client, path, body, headers=headers), 401, "not_authenticated")


def test_a_customer_may_name_a_guest_s_order_like_anybody_else() -> None:
    # C33: who proves the order is its guest, whoever else they are.
    shop = Shop()
    way = WAYS["guest one"]
    body = shop.body(way, shop.told(way))
    assert post(shop.customer, way.path, body, headers=shop.token).status_code == 201
    case = CancellationRequest.objects.get()
    assert (case.source, case.order_item_id) == ("guest", shop.item(way).pk)


@pytest.mark.parametrize("wrong", ["missing", "another visitor's", "foreign page"])
def test_a_session_needs_its_token(wrong: str) -> None:
    # T39, T40, P22
    shop = Shop()
    prove(shop.guest)
    with nothing_written():
        for way in WAYS.values():
            client = shop.guest if way.is_guest else shop.customer
            headers = token_of(client)
            if wrong == "missing":
                headers = {}
            elif wrong == "another visitor's":
                headers = token_of(HttpClient())
            else:
                headers["Origin"] = "https://evil.example"
            body = shop.body(way, shop.told(way))
            path = way.path.format(number=CUSTOMERS_NUMBER)
            refused(post(client, path, body, headers=headers), 403, "csrf_failed")


def _addresses(shop: Shop) -> dict[str, int]:
    other = factories.create_customer(email=OTHER)
    second = factories.create_order(
        customer=shop.user, number="1002", shipping_address=factories.address_input(line="2")
    )
    foreign = factories.create_order(customer=other, number="15")
    gone = factories.create_address(user=shop.user, line="gone", is_active=False)
    store = factories.create_address(user=shop.user, line="store")
    Address.objects.filter(pk=store.pk).update(address_type="store")
    return {
        "another customer's": factories.create_address(user=other).pk,
        "a copy of another customer's order": foreign.shipping_address_id,
        "a copy of an own other order": second.shipping_address_id,
        "deleted": gone.pk,
        "a store": store.pk,
        "nobody's": 10**9,
    }  # fmt: skip


def test_a_pickup_address_is_one_s_own_or_not_there() -> None:
    # C19
    shop = Shop(kind="refund", items=[factories.item_input(status=Status.DELIVERED)])
    carrier = factories.create_carrier(needs_pickup=True).pk
    for pk in _addresses(shop).values():
        ask = {"shipping_company": carrier, "pickup_address": pk}
        refused_everywhere(shop, errors.UNKNOWN_ADDRESS, ask)


def test_a_customer_s_address_is_not_a_guest_s() -> None:
    # C19
    shop = Shop(kind="refund", items=[factories.item_input(status=Status.DELIVERED)])
    own = factories.create_address(user=shop.user).pk
    way = WAYS["guest one"]
    answer = shop.ask(way, pickup_address=own)
    assert (answer.status_code, answer.json()) == way.refusal(DIALECTS[0], errors.UNKNOWN_ADDRESS)
    assert shop.ask(WAYS["customer one"], pickup_address=own).status_code == 200


def test_a_session_of_one_shop_asks_for_nothing_in_another(settings: Any) -> None:
    # P20: the same person, under the name of another of the operator's shops.
    shop = Shop()
    factories.create_channel(pk=2)
    prove(shop.guest)
    settings.ALLOWED_HOSTS = ["*"]
    settings.STOREFRONT_HOSTS = {"two.example": 2}
    with nothing_written():
        for name, way, dialect in everywhere():
            client = shop.guest if way.is_guest else shop.customer
            told = shop.told(way)
            body = {"cancel_order_items": [told]} if way.is_bulk else told
            path = way.path.format(number=CUSTOMERS_NUMBER)
            headers = token_of(client) | dialect | {"Host": "two.example"}
            answer = post(client, path, body, headers=headers)
            if name.startswith("direct"):
                refused(answer, 404, "not_found")
            elif way.is_guest:
                assert (answer.status_code, answer.json()) == (400, LOOKUP_FAILED), name
            else:
                given = answer.status_code, answer.json()
                assert given == way.refusal(dialect, errors.UNKNOWN_ITEM), name


UNNAMED = ["0", "x", "9" * 5_000, "%00", "1%00", "%ff", "\u0661", "-1", "1.5", "%ED%A0%80", "%0a"]


def test_an_order_that_is_not_one_s_own_is_not_found() -> None:
    # P20, U2
    shop = Shop()
    orders = [
        factories.create_order(customer=factories.create_customer(email=OTHER), number="11"),
        factories.create_order(number="12", guest=factories.CUSTOMER),
        factories.create_order(
            customer=factories.create_customer(channel_id=2), number="13", channel_id=2
        ),
    ]
    names = [str(name) for order in orders for name in (order.pk, order.number)]
    body = shop.body(WAYS["direct"], shop.told(WAYS["direct"]))
    with nothing_written():
        for name in [*names, *UNNAMED]:
            answer = post(shop.customer, f"/orders/{name}/cancel/", body, headers=shop.token)
            refused(answer, 404, "not_found")


@pytest.mark.parametrize("path", ["/orders/{}/cancel/", "/orders/{}/cancel"])
@pytest.mark.parametrize("by", ["number", "pk"])
def test_an_order_is_named_by_number_or_id(by: str, path: str) -> None:
    shop = Shop()
    body = shop.body(WAYS["direct"], shop.told(WAYS["direct"]))
    path = path.format(getattr(shop.of_customer, by))

    assert post(shop.customer, path, body, headers=shop.token).status_code == 200
