"""Clients that are published for the channel API (omnisdk, channel_app) run against us unchanged.

Each scenario is a process of its own, so that nothing of theirs is loaded beside us. They are
installed by the dependency group `clients`, which CI always has.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from takeback.accounts.models import Channel
from takeback.accounts.staff import create_staff_user
from takeback.cancellations.models import CancellationRequest
from takeback.channel_sync.models import BatchRequest, ErrorReport, IntegrationAction
from takeback.orders.models import Order
from tests import factories
from tests.channel import shop, sync
from tests.conftest import CI
from tests.rigs.serving import Server, database_url, serving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

SCENARIOS = Path(__file__).with_name("published_clients.py")
NOW = "2026-03-10T12:00:00.000000Z"
Scenario = Callable[..., Any]


@pytest.fixture(scope="module")
def live(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real server on this test's database."""
    if find_spec("omnisdk") is None:
        missing = "the published clients are not installed: uv sync --group clients"
        pytest.fail(missing) if CI else pytest.skip(missing)
    folder = tmp_path_factory.mktemp("clients")
    with serving(folder, "--workers", "2", DATABASE_URL=database_url()) as running:
        yield running


@pytest.fixture
def run(live: Server, settings: Settings) -> Scenario:
    """Run a scenario in the name of a member of staff; what it printed."""
    # The server checks passwords in earnest.
    settings.PASSWORD_HASHERS = settings.PASSWORD_HASHERS[1:]
    factories.create_channel()
    create_staff_user(
        "mira",
        password=factories.PASSWORD,
        channel_ids=[shop.SHOP],
        scopes=["read", "decide"],
        email="mira@example.com",
    )
    told = {"url": f"{live.url}/", "channel": shop.SHOP, "now": NOW}
    told |= {"username": "mira", "password": factories.PASSWORD}

    def run(name: str, **more: Any) -> Any:
        done = subprocess.run(
            [sys.executable, "-P", str(SCENARIOS), name],
            env={"PATH": os.environ["PATH"], "SCENARIO": json.dumps(told | more)},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr + live.log.read_text()[-5_000:]
        return json.loads(done.stdout)

    return run


def _mapped(order: Order) -> dict[str, Any]:
    """By which ids the channel's system knows this order and its lines."""
    items = {f"i-{n}": item.pk for n, item in enumerate(factories.items_of(order), start=1)}
    return {"orders": {"o-1": order.pk}, "items": items}


def test_the_sdk_signs_in_and_comes_again_with_its_key(run: Scenario) -> None:
    seen = run("login")

    assert (seen["prefix"], seen["same"]) == ("Token tkb_live_", True)
    user = seen["user"]
    assert user["pk"] == user["id"]
    assert (user["username"], user["email"], user["is_staff"]) == ("mira", "mira@example.com", True)
    assert (user["channels"], user["scopes"]) == ([shop.SHOP], ["read", "decide"])


def test_the_sdk_understands_a_wrong_password(run: Scenario) -> None:
    assert run("wrong_login") == {
        "detail": "User name or password is not right.",
        "code": "login_failed",
    }


def test_the_sdk_reads_all_pages_and_stops(run: Scenario) -> None:
    for number in range(1, 6):
        factories.create_order(number=str(number))

    assert run("pages") == {"pages": [["5", "4"], ["3", "2"], ["1"]], "calls": 3}


def test_the_sdk_begins_a_batch_asks_for_it_and_sends_it_back_whole(run: Scenario) -> None:
    conf = {"reason_mapping": {"iptal": 5}}
    Channel.objects.update(conf=conf)

    seen = run("retrieve_and_update")

    assert seen == {"same": True, "status": "commit", "channel": [shop.SHOP, True, conf]}
    assert BatchRequest.objects.get().content_type == "order"


def test_the_sdk_signs_in_once_more_when_its_key_has_ended(run: Scenario) -> None:
    factories.create_order()

    orders = f"/api/v1/channel/{shop.SHOP}/orders/"
    assert run("stale_key") == {
        "orders": 1,
        "calls": [["GET", orders, 401], ["POST", "/api/v1/auth/login/", 200], ["GET", orders, 200]],
    }


def test_channel_app_takes_a_batch_from_its_beginning_to_its_end(run: Scenario) -> None:
    order = factories.create_order(
        items=[factories.item_input(), factories.item_input(remote_id="2")]
    )
    told = _mapped(order)

    seen = run("batch_life", **told)

    assert seen == {
        "states": ["commit", "sent_to_remote", "ongoing", "done"],
        "waiting": [True],
        "items": told["items"],
        "late": [406, "batch_request_status_100_1"],
    }
    assert {row.status for row in IntegrationAction.objects.all()} == {"success"}
    kept = ErrorReport.objects.get()
    assert (kept.action_content_type, kept.is_ok) == ("batchrequest", True)
    assert kept.action_object_id == BatchRequest.objects.get(remote_batch_id="r-1").pk


def test_channel_app_ends_a_run_that_had_nothing_to_do(run: Scenario) -> None:
    assert run("empty_run") == "done"


def test_the_sdk_takes_a_case_from_its_creation_to_its_removal(run: Scenario) -> None:
    sync.case("another")
    order = factories.create_order()

    seen = run("cancellations", **_mapped(order), reason=factories.create_reason().pk)

    assert seen == {
        "made": [True, "waiting", "first"],
        "listed": [True, False],
        "changed": "second",
        "rejected": "rejected",
        "removed": {},
        "gone": [404, "not_found"],
    }


def test_channel_app_fetches_all_approved_returns(run: Scenario) -> None:
    items = [
        factories.items_of(factories.create_order(number=str(number)))[0] for number in range(5)
    ]
    wanted = [factories.create_case(item=i, kind="refund", status="approved") for i in items[:3]]
    factories.create_case(item=items[3], kind="refund")
    factories.create_case(item=items[4], status="approved")

    seen = run("approved_refunds")

    numbers = {case.pk for case in wanted}
    assert (len(seen["found"]), set(seen["found"])) == (3, numbers)
    assert seen["status"] == "done"
    assert set(IntegrationAction.objects.values_list("object_id", flat=True)) == numbers


def test_channel_app_passes_on_what_changed_and_says_so(run: Scenario) -> None:
    case = sync.case()

    run("updated_cancellations")

    action = IntegrationAction.objects.get()
    assert (action.content_type, action.object_id) == ("cancellationrequest", case.pk)
    assert action.status == "success"
    assert [batch.status for batch in BatchRequest.objects.all()] == ["done"]
    assert ErrorReport.objects.filter(is_ok=False).count() == 0


def test_channel_app_opens_a_case_by_the_ids_of_the_channel(run: Scenario) -> None:
    order, reason = factories.create_order(), factories.create_reason()
    Channel.objects.update(conf={"reason_mapping": {"iptal": reason.pk}})

    number = run("created_cancellation", **_mapped(order))

    case = CancellationRequest.objects.get()
    assert (case.pk, case.reason_id, case.cancellation_type) == (number, reason.pk, "cancel")
    assert case.order_item_id == factories.items_of(order)[0].pk
    action = IntegrationAction.objects.get(content_type="cancellationrequest")
    assert (action.object_id, action.remote_id, action.status) == (case.pk, "c-1", "success")


def test_channel_app_cancels_a_line_of_an_order_by_the_ids_of_the_channel(run: Scenario) -> None:
    order = factories.create_order(
        items=[factories.item_input(), factories.item_input(remote_id="2")]
    )
    reason = factories.create_reason()
    Channel.objects.update(conf={"reason_mapping": {"iptal": reason.pk}})

    sent = run("cancelled_order", **_mapped(order))

    first = factories.items_of(order)[0]
    assert sent["cancel_items"] == [first.pk]
    case = CancellationRequest.objects.get()
    assert (case.order_item_id, case.reason_id) == (first.pk, reason.pk)
    assert ErrorReport.objects.count() == 0
