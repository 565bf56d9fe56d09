"""The published clients of the channel API (omnisdk, channel_app) run unchanged against our server.

Each scenario runs in its own process, so that no code of the clients is loaded here. The
dependency group `clients` installs them; CI always has it.
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

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),
]

SCENARIOS = Path(__file__).with_name("published_clients.py")
NOW = "2026-03-10T12:00:00.000000Z"
Scenario = Callable[..., Any]


@pytest.fixture(scope="module")
def live(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server with the database of this test."""
    if find_spec("omnisdk") is None:
        missing = "the published clients are not installed: uv sync --group clients"
        pytest.fail(missing) if CI else pytest.skip(missing)
    folder = tmp_path_factory.mktemp("clients")
    with serving(folder, "--workers", "2", DATABASE_URL=database_url()) as running:
        yield running


@pytest.fixture
def run(live: Server, settings: Settings) -> Scenario:
    """Runs a scenario as a staff member and returns its output."""
    # The server uses the real password hasher.
    settings.PASSWORD_HASHERS = settings.PASSWORD_HASHERS[1:]
    factories.create_channel()
    create_staff_user(
        "mira",
        password=factories.PASSWORD,
        channel_ids=[shop.SHOP],
        scopes=["read", "decide"],
        email="mira@example.com",
    )
    scenario = {"url": f"{live.url}/", "channel": shop.SHOP, "now": NOW}
    scenario |= {"username": "mira", "password": factories.PASSWORD}

    def run(name: str, **more: Any) -> Any:
        done = subprocess.run(
            [sys.executable, "-P", str(SCENARIOS), name],
            env={"PATH": os.environ["PATH"], "SCENARIO": json.dumps(scenario | more)},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr + live.log.read_text()[-5_000:]
        return json.loads(done.stdout)

    return run


def _mapped(order: Order) -> dict[str, Any]:
    """The remote ids of an order and its items."""
    items = {f"i-{n}": item.pk for n, item in enumerate(factories.items_of(order), start=1)}
    return {"orders": {"o-1": order.pk}, "items": items}


def test_sdk_logs_in_and_reuses_its_key(run: Scenario) -> None:
    result = run("login")

    assert (result["prefix"], result["same"]) == ("Token tkb_live_", True)
    user = result["user"]
    assert user["pk"] == user["id"]
    assert (user["username"], user["email"], user["is_staff"]) == ("mira", "mira@example.com", True)
    assert (user["channels"], user["scopes"]) == ([shop.SHOP], ["read", "decide"])


def test_sdk_reads_the_error_of_a_wrong_password(run: Scenario) -> None:
    assert run("wrong_login") == {
        "detail": "Wrong user name or password.",
        "code": "login_failed",
    }


def test_sdk_reads_all_pages(run: Scenario) -> None:
    for number in range(1, 6):
        factories.create_order(number=str(number))

    assert run("pages") == {"pages": [["5", "4"], ["3", "2"], ["1"]], "calls": 3}


def test_sdk_creates_retrieves_and_updates_a_batch(run: Scenario) -> None:
    conf = {"reason_mapping": {"iptal": 5}}
    Channel.objects.update(conf=conf)

    result = run("retrieve_and_update")

    assert result == {"same": True, "status": "commit", "channel": [shop.SHOP, True, conf]}
    assert BatchRequest.objects.get().content_type == "order"


def test_sdk_logs_in_again_when_its_key_has_expired(run: Scenario) -> None:
    factories.create_order()

    orders = f"/api/v1/channel/{shop.SHOP}/orders/"
    assert run("stale_key") == {
        "orders": 1,
        "calls": [["GET", orders, 401], ["POST", "/api/v1/auth/login/", 200], ["GET", orders, 200]],
    }


def test_channel_app_runs_a_batch_to_its_end(run: Scenario) -> None:
    order = factories.create_order(
        items=[factories.item_input(), factories.item_input(remote_id="2")]
    )
    remote_ids = _mapped(order)

    result = run("batch_life", **remote_ids)

    assert result == {
        "states": ["commit", "sent_to_remote", "ongoing", "done"],
        "waiting": [True],
        "items": remote_ids["items"],
        "late": [406, "batch_request_status_100_1"],
    }
    assert {row.status for row in IntegrationAction.objects.all()} == {"success"}
    stored = ErrorReport.objects.get()
    assert (stored.action_content_type, stored.is_ok) == ("batchrequest", True)
    assert stored.action_object_id == BatchRequest.objects.get(remote_batch_id="r-1").pk


def test_channel_app_ends_an_empty_run(run: Scenario) -> None:
    assert run("empty_run") == "done"


def test_sdk_creates_changes_and_removes_a_case(run: Scenario) -> None:
    sync.case("another")
    order = factories.create_order()

    result = run("cancellations", **_mapped(order), reason=factories.create_reason().pk)

    assert result == {
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
    cases = [factories.create_case(item=i, kind="refund", status="approved") for i in items[:3]]
    factories.create_case(item=items[3], kind="refund")
    factories.create_case(item=items[4], status="approved")

    result = run("approved_refunds")

    numbers = {case.pk for case in cases}
    assert (len(result["found"]), set(result["found"])) == (3, numbers)
    assert result["status"] == "done"
    assert set(IntegrationAction.objects.values_list("object_id", flat=True)) == numbers


def test_channel_app_forwards_updates_and_reports_them(run: Scenario) -> None:
    case = sync.case()

    run("updated_cancellations")

    action = IntegrationAction.objects.get()
    assert (action.content_type, action.object_id) == ("cancellationrequest", case.pk)
    assert action.status == "success"
    assert [batch.status for batch in BatchRequest.objects.all()] == ["done"]
    assert ErrorReport.objects.filter(is_ok=False).count() == 0


def test_channel_app_opens_a_case_by_remote_ids(run: Scenario) -> None:
    order, reason = factories.create_order(), factories.create_reason()
    Channel.objects.update(conf={"reason_mapping": {"iptal": reason.pk}})

    number = run("created_cancellation", **_mapped(order))

    case = CancellationRequest.objects.get()
    assert (case.pk, case.reason_id, case.cancellation_type) == (number, reason.pk, "cancel")
    assert case.order_item_id == factories.items_of(order)[0].pk
    action = IntegrationAction.objects.get(content_type="cancellationrequest")
    assert (action.object_id, action.remote_id, action.status) == (case.pk, "c-1", "success")


def test_channel_app_cancels_an_item_by_remote_ids(run: Scenario) -> None:
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
