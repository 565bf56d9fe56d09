"""The documented channel examples that change cases, replayed on a case of their kind."""

from typing import Any

import msgspec
import pytest

from takeback.cancellations.models import CancellationRequest
from takeback.channel.cases.documents import ChannelCancellationRequest
from takeback.core import clock
from tests import factories
from tests.cancellations.factories import delivered_item as delivered
from tests.channel import shop
from tests.channel.case_calls import IBAN, send
from tests.contract.examples import differences, example

pytestmark = pytest.mark.django_db

# Our own ids and times, and keys that the request does not set.
OURS = {
    "id",
    "order_item",
    "reason",
    "status",
    "iban",
    "easy_return",
    "attributes",
    "attributes_kwargs",
    "localized_attributes",
    "localized_attributes_kwargs",
    "created_date",
    "modified_date",
    "uuid",
}


def waiting_return() -> CancellationRequest:
    """A return that waits, with a booked return shipment."""
    shipment = factories.create_easy_return(max_count=1, tracking_number="1", pickup_date={})
    return factories.create_case(item=delivered(), kind="refund", easy_return=shipment)


def replay(name: str, case: CancellationRequest | None = None, **ours: Any) -> tuple[Any, Any]:
    """The example, and our response to its request; `ours` replaces ids, kind and account."""
    documented = example(name)
    request = documented["request"]
    path = (
        request["path"].replace("requests/1/", f"requests/{case.pk}/") if case else request["path"]
    )
    body = request.get("body")
    system = shop.client(shop.key(scopes=["read", "decide", "money"]))
    response = send(system, request["method"], path, b"" if body is None else body | ours)
    return documented, response


def unexpected(documented: Any, response: Any) -> list[str]:
    """Missing keys, and other types or values than documented, except our own."""
    assert response.status_code == documented["status"], response.content
    msgspec.json.decode(response.content, type=ChannelCancellationRequest)
    assert set(documented["answer"]) | {"pk", "refund_set"} == set(response.json())
    return _without_ours(differences(documented["answer"], response.json()))


def _without_ours(texts: list[str]) -> list[str]:
    return [text for text in texts if text.partition(":")[0].partition(".")[0] not in OURS]


def test_documented_new_case_gets_the_documented_response() -> None:
    reason = factories.create_reason(kind="refund")
    item = delivered()
    type(item).objects.update(delivered_date=clock.now())

    documented, response = replay(
        "channel_cancellation_request_open",
        order_item=item.pk,
        reason=reason.pk,
        cancellation_type="refund",
        iban=IBAN,
    )

    assert unexpected(documented, response) == []
    case = response.json()
    assert (case["status"], case["iban"], case["reason"]) == ("waiting", IBAN, reason.pk)


@pytest.mark.parametrize("method", ["put", "patch"])
def test_documented_change_gets_the_documented_response(method: str) -> None:
    case, reason = waiting_return(), factories.create_reason(kind="refund")

    documented, response = replay(
        f"channel_cancellation_request_{method}",
        case,
        order_item=case.order_item_id,
        reason=reason.pk,
        cancellation_type="refund",
        iban=IBAN,
    )

    assert unexpected(documented, response) == []
    document = response.json()
    assert (document["id"], document["status"], document["iban"]) == (case.pk, "waiting", IBAN)
    assert set(documented["answer"]["easy_return"]) | {"pk"} == set(document["easy_return"])


def test_documented_rejection_gets_the_documented_response() -> None:
    case = waiting_return()
    CancellationRequest.objects.filter(pk=case.pk).update(description="text")

    documented, response = replay("channel_cancellation_request_reject", case)

    document = response.json()
    assert (document["id"], document["status"]) == (case.pk, documented["answer"]["status"])
    document["holder_name"] = "text"
    assert _without_ours(differences(documented["answer"], document)) == []


def test_documented_removal_gets_the_documented_response() -> None:
    documented, response = replay("channel_cancellation_request_remove", waiting_return())

    assert (response.status_code, response.content) == (documented["status"], b"")
