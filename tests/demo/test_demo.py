"""`takeback demo` as a newcomer runs it: it opens, it can be used, it stops."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytestmark = pytest.mark.heavy

PROGRAM = Path(sys.executable).with_name("takeback")
START_SECONDS, STOP_SECONDS = 100, 10
SET_BY_THE_TESTS = {"DATABASE_URL", "SECRET_KEY", "DATA_KEYS", "DATA_DIR", "STOREFRONT_SERVERS"}


class Demo(NamedTuple):
    """A demo that is up."""

    process: subprocess.Popen[str]
    folder: Path
    port: int
    told: dict[str, Any]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(folder: Path, port: int) -> subprocess.Popen[str]:
    """In a session of its own, so that Ctrl-C can be sent to all that belongs to it."""
    env = {name: value for name, value in os.environ.items() if name not in SET_BY_THE_TESTS}
    with (folder.parent / "output").open("w") as output:
        return subprocess.Popen(
            [PROGRAM, "demo", "--port", str(port), "--data", str(folder)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            start_new_session=True,
            text=True,
        )


def opened(folder: Path, port: int) -> Demo:
    """A demo that has published how to come in, and said so."""
    process = start(folder, port)
    end = time.monotonic() + START_SECONDS
    while "Ctrl-C stops the demo." not in said(folder):
        assert process.poll() is None, said(folder)
        assert time.monotonic() < end, said(folder)
        time.sleep(0.1)
    return Demo(process, folder, port, json.loads((folder / "demo.json").read_text()))


def said(folder: Path) -> str:
    return (folder.parent / "output").read_text()


def interrupt(process: subprocess.Popen[str]) -> bool:
    """Ctrl-C in the terminal; whether soon after nothing of the session is left."""
    os.killpg(process.pid, signal.SIGINT)
    end = time.monotonic() + STOP_SECONDS
    while time.monotonic() < end:
        process.poll()
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return False


def call(demo: Demo, method: str, path: str, body: Any = None, **given: str) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json"} | given
    connection = HTTPConnection("127.0.0.1", demo.port, timeout=10)
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    is_json = "json" in (answer.getheader("Content-Type") or "")
    return found[0], json.loads(found[1]) if is_json else found[1]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A first start in an empty folder."""
    running = opened(tmp_path_factory.mktemp("demo") / "data", free_port())
    yield running
    if running.process.poll() is None:
        interrupt(running.process)


def test_it_says_how_to_come_in(demo: Demo) -> None:
    told = demo.told
    assert list(told) == ["url", "customer", "guest", "staff", "channel", "stories", "requests"]
    assert told["url"] == f"http://127.0.0.1:{demo.port}"
    assert set(told["stories"]) == {
        "cancellable",
        "refundable",
        "needs_pickup",
        "partly_shipped",
        "merged",
        "old_order",
    }
    for story in told["stories"].values():
        assert set(story) == {"email", "number", "order", "items"}
    for request in told["requests"].values():
        assert set(request) == {"id", "email", "number", "order", "item"}
    assert set(told["requests"]) == {
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
    assert (demo.folder / "demo.json").stat().st_mode & 0o777 == 0o600
    mails = str(demo.folder / "mails")
    for word in (told["url"], told["guest"]["number"], told["customer"]["password"], mails):
        assert word in said(demo.folder)


def test_it_is_ready_before_it_says_so(demo: Demo) -> None:
    assert call(demo, "GET", "/health/ready")[0] == 200


def test_the_printed_guest_order_is_found(demo: Demo) -> None:
    status, found = call(demo, "POST", "/users/orders/anonymous/", demo.told["guest"])
    assert status == 200
    assert [order["number"] for order in found] == [demo.told["guest"]["number"]]
    assert [item["is_cancellable"] for item in found[0]["orderitem_set"]] == [True, True]
    picture = found[0]["orderitem_set"][0]["product"]["image"].removeprefix(demo.told["url"])
    assert call(demo, "GET", picture)[0] == 200


def test_the_printed_member_of_staff_signs_in_for_a_key_to_everything(demo: Demo) -> None:
    status, made = call(demo, "POST", "/api/v1/auth/login/", demo.told["staff"])
    assert status == 200
    bearer = {"Authorization": f"Token {made['key']}"}
    status, user = call(demo, "GET", "/api/v1/active_user/", **bearer)
    assert (status, user["username"]) == (200, "staff")
    assert user["channels"] == [demo.told["channel"]["id"]]
    assert user["scopes"] == ["read", "decide", "money", "pii"]


def session(demo: Demo) -> str:
    """The customer's cookie."""
    connection = HTTPConnection("127.0.0.1", demo.port, timeout=10)
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/users/login/", json.dumps(demo.told["customer"]), headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 200
    cookies = answer.headers.get_all("Set-Cookie") or []
    return "; ".join(cookie.partition(";")[0] for cookie in cookies)


def told_keys(value: Any, path: str = "") -> Iterator[tuple[str, bool]]:
    """Every key that a document has, and whether it says something there."""
    if isinstance(value, list):
        for part in value:
            yield from told_keys(part, path)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield f"{path}.{key}", part is not None
            yield from told_keys(part, f"{path}.{key}")


def test_every_key_is_told_at_least_once_to_the_customer(demo: Demo) -> None:
    cookie = session(demo)
    seen: dict[str, bool] = {}
    for page in ("", "cancellation_requests/", "cancellation_reasons/", "../old-orders/"):
        path = f"/users/orders/{page}?limit=100".replace("orders/../", "")
        status, found = call(demo, "GET", path, Cookie=cookie)
        assert (status, found["next"]) == (200, None)
        for key, is_told in told_keys(found["results"], page):
            seen[key] = seen.get(key, False) or is_told
    assert len(seen) > 200
    secret = {
        ".billing_address.user.attributes.logged_ip",
        ".orderitem_set.datasource_detailed.token",
        ".shipping_address.user.attributes.logged_ip",
    }
    assert {key for key, is_told in seen.items() if not is_told} == secret


def test_a_picture_is_shown_to_its_customer_only(demo: Demo) -> None:
    cookie, case_id = session(demo), demo.told["requests"]["with_pictures"]["id"]
    path = "/users/orders/cancellation_requests/?limit=100"
    _, found = call(demo, "GET", path, Cookie=cookie)
    (case,) = (case for case in found["results"] if case["id"] == case_id)
    links = [picture["image"] for picture in case["cancellation_request_image_set"]]
    assert len(links) == 2
    for link in links:
        address = link.removeprefix(demo.told["url"])
        status, picture = call(demo, "GET", address, Cookie=cookie)
        assert (status, picture[:3]) == (200, b"\xff\xd8\xff")
        assert call(demo, "GET", address)[0] == 404


def mails(demo: Demo) -> list[str]:
    """All that were written, each as a text."""
    found = (path.read_text() for path in (demo.folder / "mails").glob("*.log"))
    return [mail for text in found for mail in text.split("-" * 79 + "\n") if mail.strip()]


def test_the_worker_beside_it_writes_the_mails(demo: Demo) -> None:
    """Those of the introduced requests, an answer, and a trade-in offer; and of what is asked."""
    item = demo.told["stories"]["merged"]["items"][0]
    guest = demo.told["guest"]
    _, (order,) = call(demo, "POST", "/users/orders/anonymous/", guest)
    wish = {"order_item": order["orderitem_set"][0]["id"], "cancellation_type": "cancel"}
    path = "/users/orders/anonymous/cancellation_requests/"
    assert call(demo, "POST", path, guest | wish | {"reason": 2})[0] == 201
    assert item != wish["order_item"]
    end = time.monotonic() + START_SECONDS
    while len(mails(demo)) < 6:
        assert time.monotonic() < end, mails(demo)
        time.sleep(0.1)
    told = mails(demo)
    assert len(told) == 6
    assert sum(guest["number"] in mail for mail in told) == 1
    assert sum("/users/orders/bank_account/" in mail for mail in told) == 1
    assert sum("/tradein_approved/" in mail for mail in told) == 1


def test_the_channels_key_opens_its_orders(demo: Demo) -> None:
    channel, number = demo.told["channel"], demo.told["stories"]["merged"]["number"]
    path = f"/api/v1/channel/{channel['id']}/orders/?number={number}"
    status, found = call(demo, "GET", path, Authorization=f"Token {channel['api_key']}")
    assert (status, found["count"]) == (200, 1)


def test_a_busy_port_gets_one_sentence(demo: Demo, tmp_path: Path) -> None:
    second = start(tmp_path / "data", demo.port)
    assert second.wait(START_SECONDS) == 1
    assert said(tmp_path / "data") == f"Port {demo.port} is busy; choose another with --port.\n"
    assert not (tmp_path / "data").exists()


@pytest.mark.thorough
def test_it_stops_whole_and_opens_again_as_it_was(demo: Demo) -> None:
    """The last test of this file: it ends the demo that the others use."""
    assert interrupt(demo.process)
    port = free_port()
    again = opened(demo.folder, port)
    stopped = interrupt(again.process)
    assert "is as you left it; --reset starts over." in said(demo.folder)
    assert again.told == demo.told | {"url": f"http://127.0.0.1:{port}"}
    assert stopped
