"""Recovery codes: ten, hashed, each accepted once instead of a code of the app."""

import pyotp
import pytest

from takeback.accounts.models import StaffMember
from takeback.accounts.recovery_codes import codes_left, is_recovery_code, replace_codes
from takeback.accounts.totp import consume_code, disable_totp, enable_totp
from tests.desk.agents import member
from tests.factories import NOW
from tests.rigs.races import Clients

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
commands = pytest.mark.allow_repeated_queries("each test sends several commands")


def user_with_codes(username: str = "ada") -> tuple[int, list[str]]:
    """A staff user with two-step sign-in, and the recovery codes."""
    pk = member(username).pk
    return pk, enable_totp(pk, SECRET, pyotp.TOTP(SECRET).at(NOW), NOW)


@commands
@pytest.mark.django_db
def test_code_is_accepted_once_however_it_is_typed() -> None:
    pk, codes = user_with_codes()
    typed = f" {codes[0].lower().replace('-', ' ')} "

    assert [consume_code(pk, typed, NOW), consume_code(pk, codes[0], NOW)] == [True, False]
    assert [consume_code(pk, codes[9], NOW), codes_left(pk)] == [True, 8]


@commands
@pytest.mark.django_db
def test_only_hashes_of_codes_are_stored() -> None:
    pk, codes = user_with_codes()
    stored = StaffMember.objects.get(pk=pk).recovery_codes
    assert [len(text) for text in stored] == [64] * 10
    assert not any(code in str(stored) or code.replace("-", "") in str(stored) for code in codes)


@commands
@pytest.mark.django_db
def test_code_of_another_user_is_refused() -> None:
    pk, codes = user_with_codes()
    other, _ = user_with_codes("bea")
    assert not consume_code(other, codes[0], NOW)
    assert (codes_left(pk), codes_left(other)) == (10, 10)


@commands
@pytest.mark.django_db
def test_new_codes_replace_the_old_ones() -> None:
    pk, old = user_with_codes()
    new = replace_codes(pk)
    assert len(set(new) - set(old)) == 10
    assert [consume_code(pk, old[1], NOW), consume_code(pk, new[1], NOW)] == [False, True]


@commands
@pytest.mark.django_db
def test_turning_totp_off_ends_the_codes() -> None:
    pk, codes = user_with_codes()
    assert disable_totp(pk, codes[0], NOW)
    assert codes_left(pk) == 0
    assert not consume_code(pk, codes[1], NOW)
    assert replace_codes(pk) == []


@pytest.mark.parametrize("text", ["", "123456", "ABCD", "0000-0000-0000-0000", "ä" * 16])
def test_other_texts_are_no_recovery_codes(text: str) -> None:
    assert not is_recovery_code(text)


@commands
@pytest.mark.django_db(transaction=True)
def test_code_used_by_eight_at_once_counts_once() -> None:
    pk, codes = user_with_codes()
    accepted: list[bool] = []

    with Clients(8) as clients:
        clients.race([lambda: accepted.append(consume_code(pk, codes[0], NOW))] * 8)

    assert sorted(accepted) == [False] * 7 + [True]
    assert codes_left(pk) == 9


@commands
@pytest.mark.django_db(transaction=True)
def test_different_codes_used_at_once_are_all_spent() -> None:
    pk, codes = user_with_codes()
    acts = [lambda code=code: consume_code(pk, code, NOW) for code in codes[:8]]

    with Clients(8) as clients:
        clients.race(acts)

    assert codes_left(pk) == 2
