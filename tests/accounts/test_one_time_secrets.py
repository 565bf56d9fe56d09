"""Mailed codes and sign-in tokens: accepted once, with limited tries."""

from datetime import timedelta

import pytest
from django.utils import timezone

from takeback.accounts.models import OneTimeSecret
from takeback.accounts.one_time_secrets import consume, issue_code, issue_token, prune

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("each test sends several commands"),
]
NOW = timezone.now()
LATER = NOW + timedelta(minutes=10)


def test_a_code_is_accepted_once() -> None:
    code = issue_code("a", tries=5, expires_at=LATER)
    assert len(code) == 6
    assert code.isdecimal()
    assert [consume("a", code, NOW), consume("a", code, NOW)] == [True, False]


def test_a_token_belongs_to_its_key_and_its_time() -> None:
    token = issue_token("a", expires_at=LATER)
    issue_token("b", expires_at=LATER)
    assert not consume("b", token, NOW)
    assert not consume("a", token, LATER)
    assert consume("a", token, NOW)


def test_wrong_codes_use_up_the_tries() -> None:
    code = issue_code("a", tries=2, expires_at=LATER)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    assert [consume("a", wrong, NOW), consume("a", wrong, NOW)] == [False, False]
    assert not consume("a", code, NOW)


def test_a_new_code_replaces_the_earlier_one() -> None:
    first = issue_code("a", tries=1, expires_at=LATER)
    second = issue_code("a", tries=3, expires_at=LATER)
    assert OneTimeSecret.objects.get().tries_left == 3
    assert first == second or not consume("a", first, NOW)
    assert consume("a", second, NOW)


def test_only_expired_secrets_are_pruned() -> None:
    issue_token("old", expires_at=NOW)
    issue_token("new", expires_at=LATER)
    assert [prune(NOW), prune(NOW)] == [1, 0]
    assert OneTimeSecret.objects.get().key == "new"
