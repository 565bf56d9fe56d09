"""`takeback demo` starts, works and stops as on the machine of a new user."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from takeback.demo.refund_stories import REPLACED, STORIES
from takeback.refund_providers.sandbox_server.client import SandboxAdmin

# SQLite runs the schedules meanwhile: the other worker has time.
pytestmark = [pytest.mark.heavy("postgresql"), pytest.mark.thorough]

PROGRAM = Path(sys.executable).with_name("takeback")
START_SECONDS, STOP_SECONDS = 100, 60
TEST_VARIABLES = {"DATABASE_URL", "SECRET_KEY", "DATA_KEYS", "DATA_DIR", "STOREFRONT_SERVERS"}


class Demo(NamedTuple):
    """A running demo; `content` is that of its demo.json."""

    process: subprocess.Popen[str]
    folder: Path
    port: int
    content: dict[str, Any]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(folder: Path, port: int) -> subprocess.Popen[str]:
    """Start it in a session of its own, so that all its processes receive Ctrl-C."""
    env = {name: value for name, value in os.environ.items() if name not in TEST_VARIABLES}
    # A failing test shows failed messages, and the stack of a process that crashed or hangs.
    env |= {"LOG_LEVEL": "WARNING", "PYTHONFAULTHANDLER": "1"}
    with (folder.parent / "output").open("w") as output:
        return subprocess.Popen(
            [PROGRAM, "demo", "--port", str(port), "--data", str(folder)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            start_new_session=True,
            text=True,
        )


def start_completely(folder: Path, port: int) -> Demo:
    """Start it, and wait until it has published demo.json and printed the banner."""
    process = start(folder, port)
    deadline = time.monotonic() + START_SECONDS
    while "Ctrl-C stops the demo." not in output_of(folder):
        assert process.poll() is None, output_of(folder)
        assert time.monotonic() < deadline, output_of(folder)
        time.sleep(0.1)
    return Demo(process, folder, port, json.loads((folder / "demo.json").read_text()))


def output_of(folder: Path) -> str:
    return (folder.parent / "output").read_text()


def state_of(demo: Demo) -> str:
    """Why nothing happens: the messages that wait or failed, the processes and their stacks.

    Worker and sandbox end by it: SIGABRT makes them write the stacks of their threads.
    """
    with closing(sqlite3.connect(demo.folder / "takeback.sqlite3")) as database:
        messages = database.execute(
            "SELECT key, attempts, due_at, leased_until, parked_at, last_error FROM outbox_message"
            " WHERE done_at IS NULL OR attempts > 1"
        ).fetchall()
    states = []
    for process, command in processes_of(demo).items():
        states.append(f"{command}: {Path(f'/proc/{process}/stat').read_text()}")
        if "demo_process" in command:
            os.kill(process, signal.SIGABRT)
    time.sleep(2)
    return "\n".join((*map(str, messages), *states, output_of(demo.folder)))


def processes_of(demo: Demo) -> dict[int, str]:
    """The commands of its processes, by id."""
    commands = {}
    for entry in Path("/proc").glob("[0-9]*"):
        # Processes of others may end meanwhile.
        with suppress(ProcessLookupError, FileNotFoundError):
            if os.getsid(int(entry.name)) == demo.process.pid:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                commands[int(entry.name)] = command.strip()
    return commands


def interrupt(process: subprocess.Popen[str]) -> bool:
    """Press Ctrl-C in the terminal; whether all processes of the session end soon."""
    os.killpg(process.pid, signal.SIGINT)
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        process.poll()
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return False


def send(demo: Demo, method: str, path: str, body: Any = None, **extra: str) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json"} | extra
    connection = HTTPConnection("127.0.0.1", demo.port, timeout=60)
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    is_json = "json" in (response.getheader("Content-Type") or "")
    return response.status, json.loads(content) if is_json else content


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A first start in an empty folder."""
    running = start_completely(tmp_path_factory.mktemp("demo") / "data", free_port())
    yield running
    if running.process.poll() is None:
        interrupt(running.process)


def test_demo_json_contains_accounts_and_orders(demo: Demo) -> None:
    content = demo.content
    accounts = ["url", "customer", "guest", "staff", "channel"]
    assert list(content) == [*accounts, "stories", "requests", "refunds", "sandbox"]
    assert content["url"] == f"http://127.0.0.1:{demo.port}"
    assert set(content["stories"]) == {
        "cancellable",
        "refundable",
        "needs_pickup",
        "partly_shipped",
        "merged",
        "old_order",
    }
    for story in content["stories"].values():
        assert set(story) == {"email", "number", "order", "items"}
    for request in content["requests"].values():
        assert set(request) == {"id", "email", "number", "order", "item"}
    assert set(content["requests"]) == {
        "waiting",
        "waiting_approval",
        "confirmed",
        "approved",
        "completed",
        "rejected",
        "withdrawn",
        "unconfirmed_account",
        "with_pictures",
    }
    assert set(content["refunds"]) == {*STORIES, REPLACED}
    for refund in content["refunds"].values():
        assert set(refund) == {"email", "number", "id", "order", "case", "open", "shows"}
    assert (demo.folder / "demo.json").stat().st_mode & 0o777 == 0o600


def test_the_banner_contains_what_to_open(demo: Demo) -> None:
    content = demo.content
    mails = str(demo.folder / "mails")
    for word in (
        content["url"],
        content["guest"]["number"],
        content["customer"]["password"],
        mails,
    ):
        assert word in output_of(demo.folder)


def test_the_server_is_ready_before_the_banner(demo: Demo) -> None:
    assert send(demo, "GET", "/health/ready")[0] == 200


def test_the_printed_guest_order_opens(demo: Demo) -> None:
    status, orders = send(demo, "POST", "/users/orders/anonymous/", demo.content["guest"])
    assert status == 200
    assert [order["number"] for order in orders] == [demo.content["guest"]["number"]]
    assert [item["is_cancellable"] for item in orders[0]["orderitem_set"]] == [True, True]
    image = orders[0]["orderitem_set"][0]["product"]["image"].removeprefix(demo.content["url"])
    assert send(demo, "GET", image)[0] == 200


def test_the_printed_agent_gets_a_key_with_all_scopes(demo: Demo) -> None:
    status, key = send(demo, "POST", "/api/v1/auth/login/", demo.content["staff"])
    assert status == 200
    bearer = {"Authorization": f"Token {key['key']}"}
    status, user = send(demo, "GET", "/api/v1/active_user/", **bearer)
    assert (status, user["username"]) == (200, "staff")
    assert user["channels"] == [demo.content["channel"]["id"]]
    assert user["scopes"] == ["read", "decide", "money", "pii", "admin"]


def session(demo: Demo) -> str:
    """The cookie of the customer."""
    connection = HTTPConnection("127.0.0.1", demo.port, timeout=60)
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/users/login/", json.dumps(demo.content["customer"]), headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    assert response.status == 200
    cookies = response.headers.get_all("Set-Cookie") or []
    return "; ".join(cookie.partition(";")[0] for cookie in cookies)


def paths(value: Any, path: str = "") -> Iterator[tuple[str, bool]]:
    """Every key of a document by its path, and whether it has a value."""
    if isinstance(value, list):
        for part in value:
            yield from paths(part, path)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield f"{path}.{key}", part is not None
            yield from paths(part, f"{path}.{key}")


def test_the_customer_sees_a_value_of_every_key(demo: Demo) -> None:
    cookie = session(demo)
    has_value: dict[str, bool] = {}
    for page in ("", "cancellation_requests/", "cancellation_reasons/", "../old-orders/"):
        path = f"/users/orders/{page}?limit=100".replace("orders/../", "")
        status, content = send(demo, "GET", path, Cookie=cookie)
        assert (status, content["next"]) == (200, None)
        for key, is_set in paths(content["results"], page):
            has_value[key] = has_value.get(key, False) or is_set
    assert len(has_value) > 200
    secret = {
        ".billing_address.user.attributes.logged_ip",
        ".orderitem_set.datasource_detailed.token",
        ".shipping_address.user.attributes.logged_ip",
    }
    assert {key for key, is_set in has_value.items() if not is_set} == secret


def test_an_image_is_shown_to_its_customer_only(demo: Demo) -> None:
    cookie, case_id = session(demo), demo.content["requests"]["with_pictures"]["id"]
    path = "/users/orders/cancellation_requests/?limit=100"
    _, page = send(demo, "GET", path, Cookie=cookie)
    (case,) = (case for case in page["results"] if case["id"] == case_id)
    links = [image["image"] for image in case["cancellation_request_image_set"]]
    assert len(links) == 2
    for link in links:
        address = link.removeprefix(demo.content["url"])
        status, content = send(demo, "GET", address, Cookie=cookie)
        assert (status, content[:3]) == (200, b"\xff\xd8\xff")
        assert send(demo, "GET", address)[0] == 404


def mails(demo: Demo) -> list[str]:
    """All mails that were written, each as a text."""
    logs = (path.read_text() for path in (demo.folder / "mails").glob("*.log"))
    return [mail for log in logs for mail in log.split("-" * 79 + "\n") if mail.strip()]


def test_the_worker_writes_mails_of_new_cases_and_an_offer(demo: Demo) -> None:
    item = demo.content["stories"]["merged"]["items"][0]
    guest = demo.content["guest"]
    _, (order,) = send(demo, "POST", "/users/orders/anonymous/", guest)
    case = {"order_item": order["orderitem_set"][0]["id"], "cancellation_type": "cancel"}
    path = "/users/orders/anonymous/cancellation_requests/"
    assert send(demo, "POST", path, guest | case | {"reason": 2})[0] == 201
    assert item != case["order_item"]
    deadline = time.monotonic() + START_SECONDS
    while len(mails(demo)) < 6:
        assert time.monotonic() < deadline, state_of(demo)
        time.sleep(0.1)
    texts = mails(demo)
    assert len(texts) == 6
    assert sum(guest["number"] in text for text in texts) == 1
    assert sum("/users/orders/bank_account/" in text for text in texts) == 1
    assert sum("/tradein_approved/" in text for text in texts) == 1


def test_the_channel_key_reads_its_orders(demo: Demo) -> None:
    channel, number = demo.content["channel"], demo.content["stories"]["merged"]["number"]
    path = f"/api/v1/channel/{channel['id']}/orders/?number={number}"
    status, page = send(demo, "GET", path, Authorization=f"Token {channel['api_key']}")
    assert (status, page["count"]) == (200, 1)


def refund_of(demo: Demo, name: str) -> dict[str, Any]:
    """The only refund of an introduced order, as its guest sees it."""
    sample = demo.content["refunds"][name]
    guest = {"number": sample["number"], "email": sample["email"]}
    _, (order,) = send(demo, "POST", "/users/orders/anonymous/", guest)
    [refund] = order["refund_set"]
    return dict(refund)


def test_a_worker_leaves_the_statuses_of_introduced_refunds(demo: Demo) -> None:
    expected = {
        "disputed": "planned",
        "found": "confirmed",
        "charged_back": "confirmed",
        "key_expired": "in_doubt",
        "total_moved": "in_doubt",
        "wrong_amount": "in_doubt",
        "contradiction": "failed",
    }
    assert {name: refund_of(demo, name)["status"]["value"] for name in expected} == expected


def test_the_worker_pays_an_approved_case_back_by_the_sandbox(demo: Demo) -> None:
    channel = demo.content["channel"]
    key = {"Authorization": f"Token {channel['api_key']}"}
    story = demo.content["stories"]["cancellable"]
    path = f"/api/v1/channel/{channel['id']}/cancellation_requests/"
    body = {"order_item": story["items"][0], "cancellation_type": "cancel", "reason": 2}
    status, case = send(demo, "POST", path, body, **key)
    assert status == 201, case
    for decision in ("confirmed", "approved"):
        assert send(demo, "PATCH", f"{path}{case['id']}/", {"status": decision}, **key)[0] == 200
    deadline = time.monotonic() + START_SECONDS
    while send(demo, "GET", f"{path}{case['id']}/", **key)[1]["status"] != "completed":
        assert time.monotonic() < deadline, state_of(demo)
        time.sleep(0.2)
    refunded = requests_to_sandbox(demo, story["number"])
    assert [row["target"] for row in refunded] == ["refund"]


def requests_to_sandbox(demo: Demo, number: str) -> list[dict[str, Any]]:
    """The requests that moved money of the order's card payment."""
    return SandboxAdmin(demo.content["sandbox"]).money_requests(f"CREDIT_CARD-{number}")


def worker_of(demo: Demo) -> int | None:
    """The id of the process that delivers messages."""
    processes = processes_of(demo)
    return next((id_ for id_, name in processes.items() if name.endswith(" worker")), None)


def test_a_crashed_worker_is_named_and_started_again(demo: Demo) -> None:
    crashed = worker_of(demo)
    assert crashed
    os.kill(crashed, signal.SIGKILL)
    deadline = time.monotonic() + START_SECONDS
    while worker_of(demo) in (crashed, None):
        assert time.monotonic() < deadline, state_of(demo)
        time.sleep(0.1)
    message = "The worker ended with signal 9; it is started again.\n"
    assert output_of(demo.folder).count(message) == 1


def test_a_busy_port_is_named(demo: Demo, tmp_path: Path) -> None:
    second = start(tmp_path / "data", demo.port)
    assert second.wait(START_SECONDS) == 1
    assert (
        output_of(tmp_path / "data") == f"Port {demo.port} is busy; choose another with --port.\n"
    )
    assert not (tmp_path / "data").exists()


def test_a_stopped_demo_starts_again_with_the_same_data(demo: Demo) -> None:
    """The last test of this file: it stops the demo that the others use."""
    assert interrupt(demo.process)
    port = free_port()
    again = start_completely(demo.folder, port)
    stopped = interrupt(again.process)
    assert "is as you left it; --reset starts over." in output_of(demo.folder)
    assert again.content["sandbox"] != demo.content["sandbox"]
    url = f"http://127.0.0.1:{port}"
    assert again.content == demo.content | {
        "url": url,
        "sandbox": again.content["sandbox"],
        "refunds": {
            name: refund | {"open": f"{url}/desk/refunds/{refund['id']}"}
            for name, refund in demo.content["refunds"].items()
        },
    }
    assert stopped
