"""Prints the files of Takeback that three requests run through: `python -m tools.trace`.

A file counts if a function of it runs during the request. Every request passes `core/` and `api/`:
they are listed but not counted. The shop is filled through the channel API, in a temporary folder;
each request is sent once before it is traced, so that caches are warm.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import FrameType
from typing import Any

PACKAGE = Path(__file__).parent.parent / "takeback"
UNCOUNTED = ("core/", "api/")
CHANNEL = "/api/v1/channel/1/"
GUEST = {"order": "1001", "email": "guest@example.com"}
ITEMS = 3

Files = set[str]


@contextmanager
def traced(files: Files) -> Iterator[None]:
    """Add the files of which a function runs in this block."""
    codes = set[Any]()

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            codes.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(before)
    prefix = f"{PACKAGE}/"
    # Bodies of modules and classes are no functions: they run once, when a module is imported.
    functions = [code for code in codes if code.co_flags & CO_OPTIMIZED]
    names = {str(code.co_filename) for code in functions}
    files.update(name.removeprefix(prefix) for name in names if name.startswith(prefix))


def counted(files: Files) -> list[str]:
    """The files outside `core/` and `api/`, in alphabetical order."""
    return sorted(file for file in files if not file.startswith(UNCOUNTED))


def order(now: datetime) -> dict[str, Any]:
    """A guest's order of a few items, as a channel sends it."""
    product = {"pk": 1, "sku": "SKU-1", "name": "Shirt"}
    return {
        "order": {
            "number": GUEST["order"],
            "currency": "try",
            "date_placed": now.isoformat(),
            "customer": {"email": GUEST["email"], "first_name": "Ayla", "last_name": "Ray"},
            "amount": f"{10 * ITEMS}.00",
            "status": 400,
        },
        "order_item": [{"product": product, "price": "10.00"} for _ in range(ITEMS)],
    }


def walks() -> dict[str, Files]:
    """The files of each walk; needs a database without rows."""
    from django.test import Client

    from takeback.accounts.api_keys import issue_key
    from takeback.accounts.models import Channel

    now = datetime.now(UTC)
    Channel.objects.get_or_create(pk=1, defaults={"name": "Shop"})
    key = issue_key("trace", channel_ids=[1], scopes=["read", "decide"], now=now).text
    system = {"authorization": f"Token {key}"}

    def send(headers: dict[str, str], path: str, body: object, method: str = "POST") -> Any:
        response = Client(SERVER_NAME="localhost", headers=headers).generic(
            method, path, json.dumps(body), content_type="application/json"
        )
        if response.status_code not in {200, 201}:
            raise RuntimeError(f"{method} {path}: {response.status_code} {response.content!r}")
        return response.json()

    send(system, f"{CHANNEL}create_orders/", order(now))
    reason = {"subject": "Other", "cancellation_type": "cancel", "order": 1}
    reason_id = send(system, f"{CHANNEL}cancellation_reasons/", reason)["pk"]
    items = send({}, "/users/orders/anonymous/", GUEST)["results"][0]["orderitem_set"]
    requests = iter(
        {**GUEST, "order_item": item["pk"], "reason": reason_id, "cancellation_type": "cancel"}
        for item in items
    )

    cases: list[int] = []

    def look_up() -> None:
        send({}, "/users/orders/anonymous/", GUEST)

    def open_case() -> None:
        path = "/users/orders/anonymous/cancellation_requests/"
        cases.append(send({}, path, next(requests))["id"])

    def change_case() -> None:
        path = f"{CHANNEL}cancellation_requests/{cases.pop()}/"
        send(system, path, {"status": "rejected"}, "PATCH")

    files: dict[str, Files] = {}
    for name, walk in (
        ("guest look-up", look_up),
        ("open a case", open_case),
        ("channel PATCH of a case", change_case),
    ):
        walk()
        with traced(files.setdefault(name, set())):
            walk()
    return files


def main() -> None:
    """Print the count and the files of each walk."""
    with tempfile.TemporaryDirectory(prefix="takeback-trace-") as folder:
        os.environ |= {"DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "takeback.settings"}
        os.environ |= {"DATABASE_URL": "sqlite://:memory:", "LOG_LEVEL": "CRITICAL"}
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        for name, files in walks().items():
            names = counted(files)
            sys.stdout.write(f"{name}: {len(names)} files\n")
            sys.stdout.writelines(f"  {file}\n" for file in names)
            others = sorted(files - set(names))
            sys.stdout.write(f"  not counted: {', '.join(others)}\n")


if __name__ == "__main__":
    main()
