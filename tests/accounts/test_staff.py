"""Who works here: what they may do, and the keys of their logins, which may never do more."""

from datetime import timedelta
from typing import Any

import pyotp
import pytest
import zeal
from django.contrib.auth.hashers import check_password
from typer import Typer
from typer.testing import CliRunner

from takeback.accounts import staff, totp
from takeback.accounts.api_keys import KeyRefused, NewKey, issue_key, prune_keys, rights
from takeback.accounts.models import ApiKey, StaffMember, User
from takeback.accounts.totp import enable_totp
from takeback.cli import add_staff, change_staff
from tests import factories

pytestmark = pytest.mark.django_db

NOW = factories.NOW
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
HOUR = timedelta(hours=1)


def _hired(username: str = "mira", **told: Any) -> User:
    factories.create_channel()
    factories.create_channel(pk=2)
    fields: dict[str, Any] = {"channel_ids": [1], "scopes": ["decide", "read"]}
    with zeal.zeal_ignore():
        number = staff.create_staff_user(
            username, **{"password": factories.PASSWORD} | fields | told
        )
        return User.objects.get(pk=number)


def _sign_in(user: User, now: Any = NOW) -> NewKey:
    with zeal.zeal_ignore():
        return staff.issue_login_key(user, now)


def _live(now: Any = NOW) -> set[str]:
    rows = ApiKey.objects.filter(revoked_at=None, expires_at__gt=now)
    return set(rows.values_list("public_id", flat=True))


def _rights_of(key: NewKey) -> tuple[list[str], set[int]]:
    kept = ApiKey.objects.get(public_id=key.public_id)
    return kept.scopes, set(kept.channels.values_list("pk", flat=True))


def test_somebody_hired_may_do_what_was_said() -> None:
    user = _hired(email="Mira@Example.com", name=("Mira", "Day"))

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
    "told",
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
def test_whoever_cannot_be_hired_is_not(told: dict[str, Any]) -> None:
    _hired("taken")

    with pytest.raises(KeyRefused):
        _hired(**told)

    assert User.objects.count() == StaffMember.objects.count() == 1


def test_a_login_gives_a_key_for_half_a_day_with_the_persons_rights() -> None:
    user = _hired(channel_ids=[1, 2])

    made = _sign_in(user)

    kept = ApiKey.objects.get(public_id=made.public_id)
    assert (kept.name, kept.user_id, kept.created_at) == ("login", user.pk, NOW)
    assert kept.expires_at == NOW + 12 * HOUR
    assert _rights_of(made) == (["read", "decide"], {1, 2})
    user.refresh_from_db()
    assert user.last_login == NOW


def test_the_newest_five_keys_of_a_person_stay_live() -> None:
    user, other = _hired(), _hired("otto")
    made = [_sign_in(user, NOW + minutes * HOUR / 60) for minutes in range(7)]
    theirs = _sign_in(other)

    assert _live() == {key.public_id for key in made[2:]} | {theirs.public_id}


def test_keys_of_the_same_moment_are_told_apart_by_their_order() -> None:
    user = _hired()

    made = [_sign_in(user) for _ in range(6)]

    assert _live() == {key.public_id for key in made[1:]}


def test_a_login_with_a_password_that_was_changed_meanwhile_gives_none() -> None:
    user = _hired()
    staff.update_staff_user("mira", now=NOW, password="another-long-password")

    with pytest.raises(KeyRefused):
        _sign_in(user)

    assert ApiKey.objects.count() == 0


CHANGES: list[dict[str, Any]] = [
    {"password": "another-long-password"},
    {"is_active": False},
    {"without_totp": True},
    {},
]


@pytest.mark.parametrize("told", CHANGES)
def test_every_change_ends_the_keys_of_the_persons_logins(told: dict[str, Any]) -> None:
    user, other = _hired(), _hired("otto")
    _sign_in(user)
    theirs = _sign_in(other)
    system = issue_key("erp", channel_ids=[1], scopes=["read"], now=NOW)

    staff.update_staff_user("mira", now=NOW + HOUR, **told)

    assert _live() == {theirs.public_id}
    assert ApiKey.objects.get(public_id=system.public_id).revoked_at is None


def test_other_rights_are_those_of_the_next_key() -> None:
    user = _hired()

    staff.update_staff_user("mira", now=NOW, rights_now=rights([2], ["read"]))

    assert _rights_of(_sign_in(user)) == (["read"], {2})


def test_nobody_on_the_staff_is_changed_under_a_customers_name() -> None:
    customer = factories.create_customer()

    with pytest.raises(KeyRefused):
        staff.update_staff_user(customer.username, now=NOW, password="another-long-password")

    assert User.objects.get().password == customer.password


def test_a_second_factor_is_kept_sealed_and_bound_to_its_owner() -> None:
    user, other = _hired(), _hired("otto")
    assert enable_totp(user.pk, SECRET, pyotp.TOTP(SECRET).at(NOW), NOW)

    assert totp.totp_secret(user.pk) == SECRET
    with zeal.zeal_context():
        assert totp.totp_secret(other.pk) is None
    kept = StaffMember.objects.get(pk=user.pk).totp_encrypted
    assert kept is not None
    assert "JBSWY3DP" not in kept

    totp.clear_totp(user.pk)
    with zeal.zeal_context():
        assert totp.totp_secret(user.pk) is None


def test_keys_of_logins_are_forgotten_a_month_after_their_end() -> None:
    user = _hired()
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


def test_the_command_prints_a_password_once() -> None:
    factories.create_channel()

    code, out, _ = _run("add-staff", "mira", "--channel", "1", "--scope", "read")

    user = User.objects.get(username="mira")
    assert code == 0
    assert len(out.strip()) == 20
    assert check_password(out.strip(), user.password)
    assert StaffMember.objects.get(pk=user.pk).scopes == ["read"]


def test_the_command_gives_another_password_and_other_rights() -> None:
    user = _hired()
    assert enable_totp(user.pk, SECRET, pyotp.TOTP(SECRET).at(NOW), NOW)

    words = ["--new-password", "--channel", "2", "--scope", "money", "--without-totp"]
    code, out, _ = _run("change-staff", "mira", *words)

    user.refresh_from_db()
    member = StaffMember.objects.get(pk=user.pk)
    assert code == 0
    assert check_password(out.strip(), user.password)
    assert (member.scopes, member.totp_encrypted) == (["money"], None)
    assert set(member.channels.values_list("pk", flat=True)) == {2}
    assert _run("change-staff", "mira", "--inactive") == (0, "", "")
    assert not User.objects.get().is_active


@pytest.mark.parametrize(
    "words",
    [
        ["add-staff", "otto", "--channel", "1"],
        ["add-staff", "otto", "--scope", "read"],
        ["add-staff", "mira", "--channel", "1", "--scope", "read"],
        ["change-staff", "nobody", "--inactive"],
        ["change-staff", "mira", "--scope", "read"],
    ],
)
def test_the_command_says_why_not_and_leaves_with_two(words: list[str]) -> None:
    _hired()

    code, out, err = _run(*words)

    assert (code, out) == (2, "")
    assert err.startswith("Error: ")
    assert User.objects.count() == 1
