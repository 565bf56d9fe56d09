"""The channel API shows each value of a case somewhere in the demo shop."""

from collections.abc import Iterator
from typing import Any

import pytest
import zeal

from takeback.accounts.models import ApiKey
from takeback.cancellations.models import CancellationRequest
from takeback.channel.auth import ApiClient
from takeback.channel.cases import documents, queries
from tests.demo.loaded import load_shop

pytestmark = pytest.mark.heavy

FREE = {"extra_field", "attributes", "attributes_kwargs", "cancellation_info", "conf", "schema",
        "translations", "delivery_range", "pickup_date", "external_status"}  # fmt: skip


def _paths(document: dict[str, Any], path: str = "") -> Iterator[tuple[str, bool]]:
    """Every key by its path, and whether it has a value."""
    for name, value in document.items():
        yield path + name, value is not None
        if isinstance(value, dict) and name not in FREE:
            yield from _paths(value, f"{path}{name}.")


@pytest.mark.thorough
@pytest.mark.django_db
def test_every_value_of_a_case_is_shown_somewhere() -> None:
    with zeal.zeal_ignore():
        channel = load_shop()
    client = ApiClient(0, (channel.pk,), frozenset(ApiKey.SCOPES))
    cases = list(CancellationRequest.objects.filter(channel=channel).values_list("id", flat=True))

    detailed = queries.detailed(channel.pk, queries.cases_by_id(cases))
    paths = [dict(_paths(dict(case))) for case in documents.detailed_cases(detailed, client)]

    assert len(paths) == len(cases) > 100
    keys = {path for case in paths for path in case}
    with_value = {path for case in paths for path, has_value in case.items() if has_value}
    assert keys - with_value == set()
