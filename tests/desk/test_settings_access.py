"""Staff and API keys in the settings at the desk."""

import re
from typing import Any

import pytest
import zeal

from takeback.accounts.api_keys import issue_key
from takeback.accounts.models import ApiKey, StaffMember, User
from takeback.accounts.staff import check_staff_password
from takeback.core import clock
from tests import factories
from tests.channel import shop
from tests.desk.agents import PASSWORD, agent, browser_of, code_on, member, page_of
from tests.desk.settings_forms import submit
from tests.storefront.api import nothing_written

pytestmark = pytest.mark.django_db

STAFF = f"/desk/settings/{shop.SHOP}/staff"
KEYS = f"/desk/settings/{shop.SHOP}/keys"
RIGHTS: dict[str, Any] = {"scopes": ["read", "decide"], "channels": [shop.SHOP]}


def secret_on(response: Any) -> str:
    """The password or key that a page shows once."""
    match = re.search(r'class="secret"><code dir="ltr">([^<]+)</code>', page_of(response))
    assert match, page_of(response)
    assert response["Cache-Control"] == "no-store"
    return match[1]


def test_member_is_added_and_the_password_is_shown_once() -> None:
    client = agent()

    response = submit(client, f"{STAFF}/new", username="bob", email="b@example.com", **RIGHTS)

    assert response.status_code == 200
    assert check_staff_password("bob", secret_on(response))
    with zeal.zeal_ignore():
        added = StaffMember.objects.get(user__username="bob")
    assert (added.scopes, added.user.email) == (["read", "decide"], "b@example.com")
    assert "bob" in page_of(client.get(STAFF))


def test_agent_offers_only_own_rights() -> None:
    factories.create_channel(pk=shop.OTHER)
    client = agent(scopes=["read", "decide", "admin"])
    page = page_of(client.get(f"{STAFF}/new"))
    assert 'value="decide"' in page
    assert 'value="money"' not in page

    others: list[dict[str, Any]] = [
        {"scopes": ["money"]},
        {"channels": [shop.OTHER]},
        {"scopes": []},
    ]
    for rights in others:
        with nothing_written():
            response = submit(client, f"{STAFF}/new", username="bob", **RIGHTS | rights)
        assert response.status_code == 400


@pytest.mark.parametrize("username", ["", "ada", "a b", "x" * 151])
def test_user_name_is_visible_and_free(username: str) -> None:
    client = agent(username="ada")
    with nothing_written():
        response = submit(client, f"{STAFF}/new", username=username, **RIGHTS)
    assert response.status_code == 400
    assert 'href="#username"' in page_of(response)


def test_member_is_changed() -> None:
    client = agent()
    user = member("bob", scopes=["read"])
    page = page_of(client.get(f"{STAFF}/{user.pk}"))
    assert re.search(r'value="read"[^>]* checked', page)
    assert not re.search(r'value="decide"[^>]* checked', page)

    response = submit(client, f"{STAFF}/{user.pk}", first_name="Bob", **RIGHTS)

    assert (response.status_code, response["Location"]) == (303, f"{STAFF}?saved")
    with zeal.zeal_ignore():
        changed = StaffMember.objects.get(pk=user.pk)
    assert (changed.scopes, changed.user.first_name, changed.user.is_active) == (
        ["read", "decide"],
        "Bob",
        False,
    )


def test_new_password_is_shown_once() -> None:
    client = agent()
    user = member("bob", scopes=["read"])

    response = submit(client, f"{STAFF}/{user.pk}", action="new-password")

    assert check_staff_password("bob", secret_on(response))
    assert not check_staff_password("bob", PASSWORD)


def test_second_factor_is_cleared() -> None:
    client = agent()
    user = member("bob", scopes=["read"])
    StaffMember.objects.filter(pk=user.pk).update(totp_encrypted="x")
    assert "clear-second-factor" in page_of(client.get(f"{STAFF}/{user.pk}"))

    response = submit(client, f"{STAFF}/{user.pk}", action="clear-second-factor")

    assert response.status_code == 303
    assert not StaffMember.objects.exclude(totp_encrypted=None).exists()


def test_account_with_more_rights_is_not_changed() -> None:
    client = agent(scopes=["read", "admin"])
    richer = member("bob", scopes=["read", "money"])
    for form in ({"action": "new-password"}, {"scopes": ["read"], "channels": [shop.SHOP]}):
        with nothing_written():
            response = submit(client, f"{STAFF}/{richer.pk}", **form)
        assert (response.status_code, code_on(response)) == (403, "has_more_rights")


def test_last_administrator_stays() -> None:
    last = member("ada", scopes=["read", "admin"])
    client = browser_of(last)
    for form in ({"scopes": ["read"], "is_active": "on"}, {"scopes": ["read", "admin"]}):
        with nothing_written():
            response = submit(client, f"{STAFF}/{last.pk}", channels=[shop.SHOP], **form)
        assert (response.status_code, code_on(response)) == (400, "last_admin")


def test_staff_of_other_channels_is_not_found() -> None:
    foreign, client = member("bob", channels=[shop.OTHER]), agent()
    for pk in (foreign.pk, 0, 10**40, "x"):
        with nothing_written():
            response = submit(client, f"{STAFF}/{pk}", action="new-password")
        assert (response.status_code, code_on(response)) == (404, "not_found")


def test_key_is_issued_and_shown_once() -> None:
    client = agent()

    response = submit(client, KEYS, name="shop system", **RIGHTS)

    text = secret_on(response)
    assert shop.client(text).get(f"/api/v1/channel/{shop.SHOP}/orders/").status_code == 200
    page = page_of(client.get(KEYS))
    assert "shop system" in page
    assert text not in page


@pytest.mark.parametrize(
    "form", [{"name": ""}, {"scopes": ["money"]}, {"channels": [shop.OTHER]}, {"channels": []}]
)
def test_wrong_key_is_refused(form: dict[str, Any]) -> None:
    factories.create_channel(pk=shop.OTHER)
    client = agent(scopes=["read", "decide", "admin"])
    with nothing_written():
        response = submit(client, KEYS, **{"name": "x"} | RIGHTS | form)
    assert response.status_code == 400


def test_key_is_revoked_once_and_stays_revoked() -> None:
    client = agent()
    text = shop.key()
    public_id = ApiKey.objects.get().public_id

    for _ in range(2):
        response = submit(client, KEYS, revoke=public_id)
        assert (response.status_code, response["Location"]) == (303, f"{KEYS}?saved")

    assert shop.client(text).get(f"/api/v1/channel/{shop.SHOP}/orders/").status_code == 401
    assert public_id not in page_of(client.get(KEYS))


def test_keys_with_more_rights_and_of_others_are_not_revoked() -> None:
    client = agent(scopes=["read", "admin"])
    shop.key(scopes=["read", "money"])
    richer = ApiKey.objects.get().public_id
    shop.key(channels=[shop.OTHER])
    with zeal.zeal_ignore():
        foreign = ApiKey.objects.exclude(public_id=richer).get().public_id

    with nothing_written():
        first = submit(client, KEYS, revoke=richer)
        others = [submit(client, KEYS, revoke=public_id) for public_id in (foreign, "\0", "x" * 99)]

    assert (first.status_code, code_on(first)) == (403, "has_more_rights")
    assert {(response.status_code, code_on(response)) for response in others} == {
        (404, "not_found")
    }


def test_keys_of_logins_are_not_listed() -> None:
    user = member("bob")
    with zeal.zeal_ignore():
        issue_key("login", channel_ids=[shop.SHOP], scopes=["read"], now=clock.now(),
                  user_id=User.objects.get(pk=user.pk).pk)  # fmt: skip
    assert "There are no keys yet." in page_of(agent().get(KEYS))
