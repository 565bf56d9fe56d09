"""The staff of a channel: nobody passes on rights they lack, and an administrator remains."""

from collections.abc import Sequence
from typing import Any

import pytest
import zeal

from takeback.accounts.models import ApiKey, StaffMember, User
from takeback.accounts.staff import check_staff_password, issue_login_key
from takeback.core import clock
from tests import factories
from tests.channel import shop
from tests.channel.case_calls import refused, send
from tests.desk.agents import PASSWORD, member
from tests.factories import HttpClient
from tests.storefront.api import nothing_written

pytestmark = pytest.mark.django_db

STAFF = f"/api/v1/channel/{shop.SHOP}/staff/"
ADMIN = ("read", "decide", "admin")


def admin_key(scopes: Sequence[str] = ADMIN, channels: Sequence[int] = (shop.SHOP,)) -> HttpClient:
    """A client with an admin's key that was used a moment ago."""
    client = shop.client(shop.key(scopes=scopes, channels=channels))
    assert client.get(f"/api/v1/channel/{shop.SHOP}/orders/").status_code == 200
    return client


def test_member_is_added_and_the_password_is_shown_once() -> None:
    system = admin_key()
    body = {"username": "ada", "email": "ada@example.com", "scopes": ["decide", "read"]}

    response = send(system, "POST", STAFF, body | {"first_name": "Ada", "password": "mine"})

    document = response.json()
    assert response.status_code == 201, response.content
    password = document.pop("password")
    assert len(password) == 20
    assert system.get(f"{STAFF}{document['id']}/").json() == document
    assert (document["scopes"], document["channels"]) == (["read", "decide"], [shop.SHOP])
    assert (document["username"], document["first_name"]) == ("ada", "Ada")
    assert check_staff_password("ada", password)


def test_response_with_a_password_is_not_stored() -> None:
    system, body = admin_key(), {"username": "ada", "scopes": ["read"]}
    first = send(system, "POST", STAFF, body, **{"Idempotency-Key": "a"})
    second = send(system, "POST", STAFF, body, **{"Idempotency-Key": "a"})

    assert (first.status_code, second.status_code) == (201, 400)
    assert second.json()["code"] == "username_taken"


@pytest.mark.parametrize(
    "rights",
    [
        {"scopes": ["read", "money"]},
        {"scopes": ["read"], "channels": [shop.OTHER]},
        {"scopes": ["read"], "channels": [shop.SHOP, 999]},
    ],
)
def test_key_passes_on_no_rights_that_it_lacks(rights: dict[str, Any]) -> None:
    factories.create_channel(pk=shop.OTHER)
    colleague, system = member("bob", scopes=["read"]), admin_key()

    with refused(403, "rights_not_yours") as responses:
        responses.append(send(system, "POST", STAFF, {"username": "eve"} | rights))
    with refused(403, "rights_not_yours") as responses:
        responses.append(send(system, "PATCH", f"{STAFF}{colleague.pk}/", rights))


@pytest.mark.parametrize("change", [{"new_password": True}, {"email": "e@example.com"}, {}])
def test_account_with_more_rights_is_not_changed(change: dict[str, Any]) -> None:
    """A new password would give the key's owner the rights of the account."""
    richer = member("bob", scopes=["read", "money"])
    wider = member("cem", scopes=["read"], channels=[shop.SHOP, shop.OTHER])
    system = admin_key()

    for user in (richer, wider):
        with refused(403, "has_more_rights") as responses:
            responses.append(send(system, "PATCH", f"{STAFF}{user.pk}/", change))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", ""),
        ("username", None),
        ("scopes", []),
        ("scopes", ["all"]),
        ("scopes", "read"),
        ("channels", []),
        ("channels", ["x"]),
        ("email", "nobody"),
        ("first_name", "x" * 256),
    ],
)
def test_wrong_value_is_refused_with_its_field(field: str, value: Any) -> None:
    system = admin_key()
    body = {"username": "ada", "scopes": ["read"], field: value}

    response = send(system, "POST", STAFF, body)

    assert (response.status_code, set(response.json())) == (400, {field, "code"})
    assert not User.objects.filter(is_staff=True).exists()


@pytest.mark.parametrize(("name", "code"), [("a b", "username_invalid"), ("bob", "username_taken")])
def test_user_name_is_visible_and_free(name: str, code: str) -> None:
    member("bob")
    system = admin_key()

    with refused(400, code, "username") as responses:
        responses.append(send(system, "POST", STAFF, {"username": name, "scopes": ["read"]}))


def test_member_is_changed_and_loses_earlier_keys() -> None:
    user = member("bob", scopes=["read"])
    with zeal.zeal_ignore():
        issue_login_key(user, clock.now())
    change = {"scopes": ["read", "decide"], "email": "bob@example.com", "first_name": "Bob"}

    document = send(admin_key(), "PATCH", f"{STAFF}{user.pk}/", change).json()

    assert change.items() <= document.items()
    assert "password" not in document
    assert ApiKey.objects.get(user=user).revoked_at is not None


def test_new_password_replaces_the_old_one() -> None:
    user = member("bob", scopes=["read"])
    path = f"{STAFF}{user.pk}/"

    document = send(admin_key(), "PATCH", path, {"new_password": True}).json()

    assert check_staff_password("bob", document["password"])
    assert not check_staff_password("bob", PASSWORD)


def test_second_factor_is_cleared() -> None:
    user = member("bob", scopes=["read"])
    StaffMember.objects.update(totp_encrypted="x")
    system = admin_key()
    assert system.get(f"{STAFF}{user.pk}/").json()["has_second_factor"] is True

    document = send(system, "PATCH", f"{STAFF}{user.pk}/", {"clear_second_factor": True}).json()

    assert document["has_second_factor"] is False


def test_same_values_write_nothing() -> None:
    user = member("bob", scopes=["read"])
    system = admin_key()
    shown = system.get(f"{STAFF}{user.pk}/").json()

    with nothing_written():
        assert send(system, "PUT", f"{STAFF}{user.pk}/", shown).json() == shown


def test_removed_member_cannot_sign_in() -> None:
    user = member("bob", scopes=["read"])

    response = send(admin_key(), "DELETE", f"{STAFF}{user.pk}/", b"")

    assert response.status_code == 204
    assert not check_staff_password("bob", PASSWORD)


LAST: list[dict[str, Any]] = [
    {"is_active": False},
    {"scopes": ["read"]},
    {"channels": [shop.OTHER]},
]


@pytest.mark.parametrize("change", LAST)
def test_last_administrator_of_a_channel_stays(change: dict[str, Any]) -> None:
    last = member("ada", scopes=ADMIN)
    member("bob", scopes=["read"])
    retired = member("cem", scopes=ADMIN)
    User.objects.filter(pk=retired.pk).update(is_active=False)
    member("dee", scopes=ADMIN, channels=[shop.OTHER])
    system = admin_key(channels=[shop.SHOP, shop.OTHER])

    with refused(400, "last_admin") as responses:
        responses.append(send(system, "PATCH", f"{STAFF}{last.pk}/", change))


@pytest.mark.parametrize("change", LAST)
def test_administrator_may_go_when_another_one_stays(change: dict[str, Any]) -> None:
    first = member("ada", scopes=ADMIN)
    member("bob", scopes=ADMIN)
    system = admin_key(channels=[shop.SHOP, shop.OTHER])

    response = send(system, "PATCH", f"{STAFF}{first.pk}/", change)

    assert response.status_code == 200, response.content


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_changes_need_the_scope_admin(method: str) -> None:
    user = member("bob", scopes=["read"])
    system = admin_key(scopes=["read", "decide", "money", "pii"])
    path = STAFF if method == "POST" else f"{STAFF}{user.pk}/"

    with refused(403, "permission_denied") as responses:
        responses.append(send(system, method, path, {"username": "x", "scopes": ["read"]}))


def test_staff_is_listed_with_the_channels_of_the_key() -> None:
    first = member("ada", scopes=["read"], channels=[shop.SHOP, shop.OTHER])
    second = member("bob", scopes=["read"])
    User.objects.filter(pk=second.pk).update(is_active=False)
    member("cem", scopes=["read"], channels=[shop.OTHER])
    system = admin_key()

    def listed(query: str = "") -> list[tuple[int, list[int]]]:
        rows = system.get(f"{STAFF}{query}").json()["results"]
        return [(row["id"], row["channels"]) for row in rows]

    assert listed() == [(first.pk, [shop.SHOP]), (second.pk, [shop.SHOP])]
    assert listed("?is_active=true") == [(first.pk, [shop.SHOP])]
