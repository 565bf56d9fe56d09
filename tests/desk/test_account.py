"""My account: the agent's password, two-step sign-in and recovery codes."""

import re
from datetime import timedelta

import pyotp
import pytest

from takeback.accounts.models import ApiKey, StaffMember, User
from takeback.accounts.staff import issue_login_key
from takeback.accounts.totp import enable_totp
from tests import factories
from tests.desk.agents import PASSWORD, agent, browser_of, code_on, member, page_of, send
from tests.factories import HttpClient
from tests.storefront.api import nothing_written

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("frozen_now"),
    pytest.mark.allow_repeated_queries("tests read users between requests"),
]

ACCOUNT, CHANGE, CODES = "/desk/account", "/desk/account/password", "/desk/account/recovery-codes"
NEW = "another-long-password"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def user_with_codes() -> tuple[User, list[str]]:
    user = member()
    moment = factories.NOW - timedelta(seconds=30)
    codes = enable_totp(user.pk, SECRET, pyotp.TOTP(SECRET).at(moment), factories.NOW)
    user.staff.refresh_from_db()
    return user, codes


def codes_on(page: str) -> list[str]:
    return re.findall(r'<code dir="ltr">([A-Z2-9-]{19})</code>', page)


def test_account_page_names_missing_address_and_leads_to_all_parts() -> None:
    client = agent()
    page = page_of(client.get(ACCOUNT))
    assert "Ask an administrator of your shop to add one" in page
    for path in (CHANGE, "/desk/second-factor"):
        assert f'href="{path}"' in page
    assert CODES not in page
    assert client.get(CODES).status_code == 404


def test_password_is_changed_with_the_present_one() -> None:
    user = member()
    client, other = browser_of(user), browser_of(user)
    issue_login_key(user, factories.NOW)

    response = send(client, CHANGE, password=PASSWORD, new_password=NEW, repeated_password=NEW)

    assert (response.status_code, response["Location"]) == (303, f"{ACCOUNT}?done=password")
    assert "Your password has been changed." in page_of(client.get(response["Location"]))
    assert other.get("/desk/").status_code == 303
    assert ApiKey.objects.get().revoked_at == factories.NOW
    assert send(HttpClient(), "/desk/login", username="ada", password=NEW).status_code == 303


@pytest.mark.parametrize(
    ("present", "new", "messages"),
    [
        ("wrong", NEW, ["This is not your current password."]),
        (PASSWORD, "ada", ["Use at least 8 characters"]),
        ("wrong", "ada", ["This is not your current password.", "Use at least 8 characters"]),
    ],
)
def test_wrong_or_weak_password_changes_nothing(
    present: str, new: str, messages: list[str]
) -> None:
    client = agent()
    with nothing_written():
        response = send(client, CHANGE, password=present, new_password=new, repeated_password=new)
    assert response.status_code == 400
    page = page_of(response)
    assert all(message in page for message in messages)
    assert new not in re.sub("ada</bdi>", "", page) or new == "ada"


def test_eleventh_wrong_present_password_is_refused() -> None:
    client = agent()
    fields = {"new_password": NEW, "repeated_password": NEW}
    for _ in range(10):
        assert send(client, CHANGE, password="x", **fields).status_code == 400
    response = send(client, CHANGE, password=PASSWORD, **fields)
    assert (response.status_code, code_on(response)) == (429, "too_many_requests")
    assert "Wait 15 minutes" in page_of(response)


def test_recovery_code_signs_in_once() -> None:
    _user, codes = user_with_codes()
    client = HttpClient()

    def sign_in() -> int:
        first = send(client, "/desk/login", username="ada", password=PASSWORD)
        ticket = first.context["ticket"]
        return int(send(client, "/desk/login", ticket=ticket, code=codes[3].lower()).status_code)

    assert [sign_in(), sign_in()] == [303, 400]
    assert "9 unused codes" in page_of(client.get(ACCOUNT))


def test_new_codes_need_the_password_and_are_shown_once() -> None:
    user, old = user_with_codes()
    client = browser_of(user)
    with nothing_written():
        assert client.get(CODES).status_code == 200
        assert send(client, CODES, password="x").status_code == 400

    new = codes_on(page_of(send(client, CODES, password=PASSWORD)))

    assert len(set(new)) == 10
    assert not set(new) & set(old)
    assert codes_on(page_of(client.get(CODES))) == []
    assert len(StaffMember.objects.get().recovery_codes) == 10


def test_lost_phone_is_replaced_with_a_recovery_code() -> None:
    user, codes = user_with_codes()
    client = browser_of(user)
    response = send(client, "/desk/second-factor", code=codes[0])
    assert (response.status_code, response["Location"]) == (303, ACCOUNT)
    assert StaffMember.objects.get().totp_encrypted is None
    assert "Turn on two-step sign-in" in page_of(client.get(ACCOUNT))
