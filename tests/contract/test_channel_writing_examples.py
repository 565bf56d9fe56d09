"""The documented examples of changing cases, replayed on a case of the kind they show."""

from typing import Any

import msgspec
import pytest

from takeback.cancellations.models import CancellationRequest
from takeback.channel.cases import documents
from takeback.core import clock
from tests import factories
from tests.cancellations.cases import delivered
from tests.channel import shop
from tests.channel.case_calls import IBAN, call
from tests.contract.examples import differences, example

pytestmark = pytest.mark.django_db

# Numbers and times of our own, and what nobody tells when a case is opened.
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


def returned() -> CancellationRequest:
    """A return that waits, with a way back that is booked."""
    way_back = factories.make_easy_return(max_count=1, tracking_number="1", pickup_date={})
    return factories.make_request(item=delivered(), kind="refund", easy_return=way_back)


def replayed(name: str, case: CancellationRequest | None = None, **ours: Any) -> tuple[Any, Any]:
    """The example, and our answer to its request; numbers, kind and account are our own."""
    told = example(name)
    request = told["request"]
    path = (
        request["path"].replace("requests/1/", f"requests/{case.pk}/") if case else request["path"]
    )
    body = request.get("body")
    sent = b"" if body is None else body | ours
    system = shop.client(shop.key(scopes=["read", "decide", "money"]))
    return told, call(system, request["method"], path, sent)


def unlike(told: Any, answer: Any) -> list[str]:
    """Differences that matter: a key that is missing, another type, another value."""
    assert answer.status_code == told["status"], answer.content
    msgspec.json.decode(answer.content, type=documents.ChannelCancellationRequest)
    assert set(told["answer"]) | {"pk"} == set(answer.json())
    found = differences(told["answer"], answer.json())
    return [text for text in found if text.partition(":")[0].partition(".")[0] not in OURS]


def test_opening() -> None:
    reason = factories.make_reason(kind="refund")

    told, answer = replayed(
        "channel_cancellation_request_open",
        order_item=delivered(delivered_date=clock.now()).pk,
        reason=reason.pk,
        cancellation_type="refund",
        iban=IBAN,
    )

    assert unlike(told, answer) == []
    given = answer.json()
    assert (given["status"], given["iban"], given["reason"]) == ("waiting", IBAN, reason.pk)


@pytest.mark.parametrize("method", ["put", "patch"])
def test_correcting(method: str) -> None:
    case, reason = returned(), factories.make_reason(kind="refund")

    told, answer = replayed(
        f"channel_cancellation_request_{method}",
        case,
        order_item=case.order_item_id,
        reason=reason.pk,
        cancellation_type="refund",
        iban=IBAN,
    )

    assert unlike(told, answer) == []
    given = answer.json()
    assert (given["id"], given["status"], given["iban"]) == (case.pk, "waiting", IBAN)
    assert set(told["answer"]["easy_return"]) | {"pk"} == set(given["easy_return"])


def test_rejecting() -> None:
    case = returned()
    CancellationRequest.objects.filter(pk=case.pk).update(description="text")

    told, answer = replayed("channel_cancellation_request_reject", case)

    given = answer.json()
    assert (given["id"], given["status"]) == (case.pk, told["answer"]["status"])
    given["holder_name"] = "text"
    found = differences(told["answer"], given)
    assert [text for text in found if text.partition(":")[0].partition(".")[0] not in OURS] == []


def test_removing() -> None:
    told, answer = replayed("channel_cancellation_request_remove", returned())

    assert (answer.status_code, answer.content) == (told["status"], b"")
