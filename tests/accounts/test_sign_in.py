"""Attempts to sign in are counted before the check, and taken back after a success."""

from typing import Any

import pytest

from takeback.accounts.channels import channel_id_of_host
from takeback.accounts.sign_in import attempt, code_buckets, login_buckets
from takeback.core import errors
from takeback.core.errors import Refused
from takeback.limits.models import Counter
from tests.factories import NOW

BUCKETS = login_buckets("login-email", "jane@example.com", "198.51.100.7")


def hits() -> list[int]:
    """The hits of both buckets."""
    return list(Counter.objects.values_list("hits", flat=True))


@pytest.mark.django_db
def test_successful_attempt_is_not_counted() -> None:
    assert attempt(BUCKETS, lambda: "jane", NOW) == "jane"
    assert hits() == [0, 0]


@pytest.mark.django_db
def test_failed_attempt_is_counted() -> None:
    def refuse() -> None:
        raise Refused(errors.PERMISSION_DENIED)

    assert attempt(BUCKETS, lambda: None, NOW) is None
    with pytest.raises(Refused):
        attempt(BUCKETS, refuse, NOW)
    assert hits() == [2, 2]


@pytest.mark.django_db
def test_attempt_above_the_limit_is_refused_without_a_check() -> None:
    buckets = code_buckets(7)
    for _ in range(buckets[0].allowed):
        attempt(buckets, lambda: False, NOW)

    with pytest.raises(Refused) as refused:
        attempt(buckets, lambda: pytest.fail("the check ran"), NOW)

    assert refused.value.problem.code == "too_many_requests"


@pytest.mark.parametrize(
    ("host", "channel_id"),
    [("shop.example", 2), ("Shop.Example:8000", 2), ("other.example", 7), ("", 7)],
)
def test_host_name_selects_the_channel(settings: Any, host: str, channel_id: int) -> None:
    settings.STOREFRONT_HOSTS = {"shop.example": "2"}
    settings.STOREFRONT_CHANNEL = 7

    assert channel_id_of_host(host) == channel_id
