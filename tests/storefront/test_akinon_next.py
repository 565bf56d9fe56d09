"""The account code of `@akinon/next` 1.24.0 runs unchanged against our server.

Its next-auth provider, its endpoints (RTK Query) and its proxy run in one node process, which
takes commands from the test. `tests/rigs/install_node_packages` installs the packages.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from pytest_django import Settings

from takeback.accounts.models import Session, User
from tests import factories
from tests.rigs.serving import Server, database_url, serving
from tests.storefront.account_mails import deliver, deliver_one, path_in
from tests.storefront.published_storefront import Storefront, bundle, storefront

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),
    pytest.mark.allow_repeated_queries("several requests per test"),
]

EMAIL, PASSWORD, NEW = "ayla@example.com", "A-password-1", "Another-password-9"
FORM = {
    "formType": "register",
    "email": EMAIL,
    "password": PASSWORD,
    "first_name": "Ayla",
    "last_name": "Ray",
    "phone": "05321112233",
    "gender": "female",
    "date_of_birth": "",
    "email_allowed": True,
    "sms_allowed": False,
    "confirm": True,
    "kvkk_confirm": True,
}


@pytest.fixture(scope="module")
def script() -> Path:
    return bundle()


@pytest.fixture(scope="module")
def live(
    script: Path, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The server with the database of this test."""
    folder = tmp_path_factory.mktemp("live")
    settings = {"DATABASE_URL": database_url(), "STOREFRONT_SERVERS": "127.0.0.0/8"}
    with serving(folder, "--workers", "2", **settings) as running:
        yield running


@pytest.fixture(scope="module")
def running(
    live: Server, script: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Storefront]:
    """A storefront of this shop."""
    with storefront(script, tmp_path_factory.mktemp("storefront"), live.url) as process:
        yield process


@pytest.fixture
def shop(live: Server, running: Storefront, settings: Settings) -> Storefront:
    """The storefront with a visitor who is not signed in."""
    # The server uses the real password hasher and its own key.
    settings.PASSWORD_HASHERS = settings.PASSWORD_HASHERS[1:]
    settings.SECRET_KEY = (live.folder / "secret_key").read_text()
    factories.create_channel()
    running.run("newBrowser")
    return running


def sign_in(shop: Storefront, email: str = EMAIL, password: str = PASSWORD) -> Any:
    return shop.run("sign", {"formType": "login", "email": email, "password": password})


def create_customer() -> User:
    user = factories.create_customer(email=EMAIL)
    user.set_password(PASSWORD)
    user.save()
    return user


def token_of_mail() -> str:
    """The last segment of the link in the only mail."""
    return unquote(path_in(deliver_one()).strip("/").rpartition("/")[2])


def test_customer_registers_confirms_and_signs_in(shop: Storefront) -> None:
    assert shop.run("sign", FORM) == {"ok": True}

    user = User.objects.get()
    visitor = shop.run("session")
    assert {name: visitor[name] for name in ("pk", "firstName", "lastName", "email", "phone")} == {
        "pk": user.pk,
        "firstName": "Ayla",
        "lastName": "Ray",
        "email": EMAIL,
        "phone": "05321112233",
    }
    assert (visitor["emailAllowed"], visitor["smsAllowed"], visitor["gender"]) == (
        True,
        False,
        "female",
    )
    assert user.user_type == "pending"

    # The page opens the link in another browser, without a session.
    shop.run("newBrowser")
    assert sign_in(shop) == {
        "errors": [
            {
                "type": "non_field_errors",
                "data": ["The e-mail address or password is incorrect."],
            }
        ]
    }
    confirmed = shop.request("confirmEmailVerification", token_of_mail())
    assert confirmed == {
        "data": {"detail": "Your e-mail address is confirmed. You can sign in now."}
    }
    assert sign_in(shop) == {"ok": True}
    assert shop.run("session")["pk"] == User.objects.get(user_type="registered").pk


def test_registration_shows_the_errors_of_its_fields(shop: Storefront) -> None:
    result = shop.run("sign", FORM | {"email": "x", "password": "short"})

    [error] = result["errors"]
    assert error["type"] == "field_errors"
    assert {entry["name"]: type(entry["value"]) for entry in error["data"]} == {"email": list}
    assert User.objects.count() == 0


def test_registration_of_a_known_address_looks_the_same(shop: Storefront) -> None:
    create_customer()
    assert shop.run("sign", FORM | {"first_name": "Else"}) == {"ok": True}
    assert shop.run("session")["firstName"] == "Else"
    assert deliver_one().subject == "You already have an account at shop 1"
    assert sign_in(shop) == {"ok": True}
    assert shop.run("session")["firstName"] == "Ayla"


def test_forgotten_password_is_reset_by_the_mailed_link(shop: Storefront) -> None:
    create_customer()
    assert shop.request("forgotPassword", {"email": EMAIL})["data"]["detail"].startswith(
        "If there is an account with this e-mail address"
    )
    slug = token_of_mail()

    empty = shop.request("passwordReset", {"slug": slug, "password": "", "repeatPassword": ""})
    assert empty == {
        "status": 400,
        "error": {
            "new_password1": ["This field is required."],
            "new_password2": ["This field is required."],
        },
    }
    new = {"slug": slug, "password": NEW, "repeatPassword": NEW}
    assert shop.request("passwordReset", new) == {
        "data": {"detail": "Your password has been changed. You can now sign in with it."}
    }
    again = shop.request("passwordReset", new)
    assert (again["status"], again["error"]["code"]) == (400, "link_not_valid")
    assert "errors" in sign_in(shop)
    assert sign_in(shop, password=NEW) == {"ok": True}


def test_unknown_address_gets_the_same_answer_and_no_mail(shop: Storefront) -> None:
    create_customer()
    known, unknown = (
        shop.request("forgotPassword", {"email": email}) for email in (EMAIL, "x@example.com")
    )
    assert known == unknown
    assert len(deliver()) == 1


def test_signed_in_customer_changes_the_password(shop: Storefront) -> None:
    user = create_customer()
    other = factories.create_session(user)
    sign_in(shop)
    shop.run("csrf")
    body = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}

    wrong = shop.request("updatePassword", body | {"old_password": "wrong"})
    assert wrong == {
        "status": 400,
        "error": {
            "old_password": "Your old password was entered incorrectly. Please enter it again."
        },
    }
    assert shop.request("updatePassword", body) == {
        "data": {"detail": "Your password has been changed."}
    }

    # The browser has the new key of its session.
    assert shop.request("getProfileInfo")["data"]["email"] == EMAIL
    assert not Session.objects.filter(session_key=other.session_key).exists()
    assert sign_in(shop, password=NEW) == {"ok": True}


def test_signed_in_customer_changes_the_profile(shop: Storefront) -> None:
    create_customer()
    sign_in(shop)
    shop.run("csrf")
    body = {
        "first_name": "Işıl",  # noqa: RUF001 - a Turkish name
        "last_name": "Öz",
        "phone": "+905321112233",
        "gender": "none",
        "date_of_birth": "1988-2-9",
        "email_allowed": True,
        "sms_allowed": False,
    }

    changed = shop.request("updateProfile", body)["data"]

    profile = shop.request("getProfileInfo")["data"]
    assert changed == profile
    assert {name: profile[name] for name in body} == body | {"date_of_birth": "1988-02-09"}
    assert User.objects.get().date_of_birth == date(1988, 2, 9)
    invalid = shop.request("updateProfile", {"date_of_birth": "1988-2-30"})
    assert invalid == {"status": 400, "error": {"date_of_birth": "Use the form YYYY-MM-DD."}}


def test_signed_in_customer_changes_the_email_address(shop: Storefront) -> None:
    create_customer()
    sign_in(shop)
    shop.run("csrf")
    body = {"email": "b@example.com", "emailConfirm": "b@example.com", "password": PASSWORD}

    assert shop.request("updateEmail", body | {"password": "wrong"}) == {
        "status": 400,
        "error": {"non_field_errors": ["The password is incorrect. Please enter it again."]},
    }
    assert shop.request("updateEmail", body)["data"]["detail"].startswith("We have sent a link")
    token = token_of_mail()
    shop.run("newBrowser")
    assert shop.request("changeEmailVerification", token) == {
        "data": {"detail": "Your e-mail address has been changed."}
    }
    assert sign_in(shop, email="b@example.com") == {"ok": True}
    assert deliver_one().to == [EMAIL]


def test_customer_closes_the_account(shop: Storefront) -> None:
    user = create_customer()
    order = factories.create_order(customer=user)
    case = factories.create_case(item=factories.items_of(order)[0])
    sign_in(shop)
    shop.run("csrf")

    refused = shop.request("anonymize")
    assert (refused["status"], refused["error"]["error_code"]) == (406, "account_100_1")
    type(case).objects.update(status="rejected")
    assert shop.request("anonymize") == {"data": {}}

    assert shop.request("getProfileInfo")["status"] == 401
    assert "errors" in sign_in(shop)
    assert User.objects.get().is_active is False


def test_customer_signs_out(shop: Storefront) -> None:
    create_customer()
    sign_in(shop)
    assert shop.request("logout")["data"] is not None
    assert "osessionid" not in shop.run("signOut")
    assert shop.request("getProfileInfo")["status"] == 401
