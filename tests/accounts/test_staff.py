"""Staff users: their rights, and the keys of their logins, which never have more rights."""

from datetime import timedelta
from typing import Any

import pyotp
import pytest
import zeal
from django.contrib.auth.hashers import check_password
from typer import Typer
from typer.testing import CliRunner

from takeback.accounts import staff, totp
from takeback.accounts.api_keys import AccessError, NewKey, issue_key, prune_keys, validate_rights
from takeback.accounts.models import ApiKey, StaffMember, User
from takeback.accounts.totp import enable_totp
from takeback.cli import add_staff, change_staff
from tests import factories

pytestmark = pytest.mark.django_db

NOW = factories.NOW
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
HOUR = timedelta(hours=1)


def _create_staff(username: str = "mira", **fields: Any) -> User:
    factories.create_channel()
    factories.create_channel(pk=2)
    defaults: dict[str, Any] = {
        "password": factories.PASSWORD,
        "channel_ids": [1],
        "scopes": ["decide", "read"],
    }
    with zeal.zeal_ignore():
        user_id = staff.create_staff_user(username, **defaults | fields)
        return User.objects.get(pk=user_id)


def _sign_in(user: User, now: Any = NOW) -> NewKey:
    with zeal.zeal_ignore():
        return staff.issue_login_key(user, now)


def _active_keys(now: Any = NOW) -> set[str]:
    rows = ApiKey.objects.filter(revoked_at=None, expires_at__gt=now)
    return set(rows.values_list("public_id", flat=True))


def _rights_of(key: NewKey) -> tuple[list[str], set[int]]:
    row = ApiKey.objects.get(public_id=key.public_id)
    return row.scopes, set(row.channels.values_list("pk", flat=True))


def test_new_staff_user_has_the_requested_rights() -> None:
    user = _create_staff(email="Mira@Example.com", name=("Mira", "Day"))

    assert (user.username, user.email, user.email_key) == (
        "mira",
        "Mira@Example.com",
        "mira@example.com",
    )
    assert (user.first_name, user.last_name) == ("Mira", "Day")
    assert (user.is_staff, user.is_superuser, user.channel_id) == (True, False, None)
    assert check_password(factories.PASSWORD, user.password)
    member = StaffMember.objects.get(pk=user.pk)
    assert (member.scopes, member.totp_encrypted) == (["read", "decide"], None)
    assert set(member.channels.values_list("pk", flat=True)) == {1}


@pytest.mark.parametrize(
    "fields",
    [
        {"channel_ids": []},
        {"channel_ids": [1, 99]},
        {"scopes": []},
        {"scopes": ["read", "write"]},
        {"username": ""},
        {"username": "two words"},
        {"username": "x" * 151},
        {"username": "mi\u200bra"},
        {"username": "taken"},
    ],
)
def test_invalid_staff_user_is_not_created(fields: dict[str, Any]) -> None:
    _create_staff("taken")

    with pytest.raises(AccessError):
        _create_staff(**fields)

    assert User.objects.count() == StaffMember.objects.count() == 1


def test_login_issues_a_key_for_twelve_hours_with_the_users_rights() -> None:
    user = _create_staff(channel_ids=[1, 2])

    key = _sign_in(user)

    row = ApiKey.objects.get(public_id=key.public_id)
    assert (row.name, row.user_id, row.created_at) == ("login", user.pk, NOW)
    assert row.expires_at == NOW + 12 * HOUR
    assert _rights_of(key) == (["read", "decide"], {1, 2})
    user.refresh_from_db()
    assert user.last_login == NOW


def test_newest_five_keys_of_a_user_stay_active() -> None:
    user, other = _create_staff(), _create_staff("otto")
    keys = [_sign_in(user, NOW + minutes * HOUR / 60) for minutes in range(7)]
    theirs = _sign_in(other)

    assert _active_keys() == {key.public_id for key in keys[2:]} | {theirs.public_id}


def test_keys_issued_at_the_same_time_are_ordered_by_id() -> None:
    user = _create_staff()

    keys = [_sign_in(user) for _ in range(6)]

    assert _active_keys() == {key.public_id for key in keys[1:]}


def test_login_issues_no_key_if_the_password_changed_meanwhile() -> None:
    user = _create_staff()
    staff.update_staff_user("mira", now=NOW, password="another-long-password")

    with pytest.raises(AccessError):
        _sign_in(user)

    assert ApiKey.objects.count() == 0


CHANGES: list[dict[str, Any]] = [
    {"password": "another-long-password"},
    {"is_active": False},
    {"without_totp": True},
    {},
]


@pytest.mark.parametrize("changes", CHANGES)
def test_every_change_revokes_the_keys_of_the_users_logins(changes: dict[str, Any]) -> None:
    user, other = _create_staff(), _create_staff("otto")
    _sign_in(user)
    theirs = _sign_in(other)
    system = issue_key("erp", channel_ids=[1], scopes=["read"], now=NOW)

    staff.update_staff_user("mira", now=NOW + HOUR, **changes)

    assert _active_keys() == {theirs.public_id}
    assert ApiKey.objects.get(public_id=system.public_id).revoked_at is None


def test_changed_rights_apply_to_the_next_key() -> None:
    user = _create_staff()

    staff.update_staff_user("mira", now=NOW, rights=validate_rights([2], ["read"]))

    assert _rights_of(_sign_in(user)) == (["read"], {2})


def test_customer_is_not_changed_as_a_staff_user() -> None:
    customer = factories.create_customer()

    with pytest.raises(AccessError):
        staff.update_staff_user(customer.username, now=NOW, password="another-long-password")

    assert User.objects.get().password == customer.password


def test_totp_secret_is_encrypted_and_bound_to_its_user() -> None:
    user, other = _create_staff(), _create_staff("otto")
    assert enable_totp(user.pk, SECRET, pyotp.TOTP(SECRET).at(NOW), NOW)

    assert totp.totp_secret(user.pk) == SECRET
    with zeal.zeal_context():
        assert totp.totp_secret(other.pk) is None
    encrypted = StaffMember.objects.get(pk=user.pk).totp_encrypted
    assert encrypted is not None
    assert "JBSWY3DP" not in encrypted

    totp.clear_totp(user.pk)
    with zeal.zeal_context():
        assert totp.totp_secret(user.pk) is None


def test_login_keys_are_pruned_a_month_after_their_expiry() -> None:
    user = _create_staff()
    _sign_in(user)
    issue_key("erp", channel_ids=[1], scopes=["read"], now=NOW, expires_at=NOW + HOUR)
    month = NOW + 12 * HOUR + timedelta(days=30)

    assert prune_keys(month - HOUR) == 0
    assert [prune_keys(month), prune_keys(month)] == [1, 0]
    assert [key.name for key in ApiKey.objects.all()] == ["erp"]


def _run(*words: str) -> tuple[int, str, str]:
    app = Typer()
    app.command("add-staff")(add_staff.add_staff)
    app.command("change-staff")(change_staff.change_staff)
    done = CliRunner().invoke(app, words)
    return done.exit_code, done.stdout, done.stderr


def test_add_staff_prints_a_generated_password() -> None:
    factories.create_channel()

    code, out, _ = _run("add-staff", "mira", "--channel", "1", "--scope", "read")

    user = User.objects.get(username="mira")
    assert code == 0
    assert len(out.strip()) == 20
    assert check_password(out.strip(), user.password)
    assert StaffMember.objects.get(pk=user.pk).scopes == ["read"]


def test_change_staff_changes_password_and_rights() -> None:
    user = _create_staff()
    assert enable_totp(user.pk, SECRET, pyotp.TOTP(SECRET).at(NOW), NOW)

    words = ["--new-password", "--channel", "2", "--scope", "money", "--without-totp"]
    code, out, err = _run("change-staff", "mira", *words)

    user.refresh_from_db()
    member = StaffMember.objects.get(pk=user.pk)
    assert code == 0
    assert check_password(out.strip(), user.password)
    assert (member.scopes, member.totp_encrypted) == (["money"], None)
    assert set(member.channels.values_list("pk", flat=True)) == {2}
    assert err.splitlines()[0] == (
        "mira: channels and scopes, password, two-step sign-in turned off."
    )
    code, out, err = _run("change-staff", "mira", "--inactive")
    assert (code, out, err.splitlines()[0]) == (0, "", "mira: deactivated.")
    assert not User.objects.get().is_active


@pytest.mark.parametrize(
    "words",
    [
        ["add-staff", "otto", "--channel", "1"],
        ["add-staff", "otto", "--scope", "read"],
        ["add-staff", "mira", "--channel", "1", "--scope", "read"],
        ["change-staff", "missing", "--inactive"],
        ["change-staff", "mira", "--scope", "read"],
    ],
)
def test_refused_staff_command_prints_the_reason_and_exits_with_2(words: list[str]) -> None:
    _create_staff()

    code, out, err = _run(*words)

    assert (code, out) == (2, "")
    assert err.startswith("Error: ")
    assert User.objects.count() == 1
