"""A process that asks for something and is killed at a named point; `python -m tests.rigs.kill`."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from tests.rigs.serving import database_url


class Errand(NamedTuple):
    """The ids of the case that a process opens, and the image that it writes first."""

    order_item: int
    reason: int
    carrier: int
    image: str

    @classmethod
    def read(cls, words: Sequence[str]) -> "Errand":
        """From the words of a line, or of a command."""
        item, reason, carrier, image = words
        return cls(int(item), int(reason), int(carrier), image)


def _points() -> dict[str, tuple[Any, str, bool]]:
    """By name: whose function, its name, and whether the process dies after it or before."""
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.transaction import Atomic

    from takeback.cancellations.commands import open as opening

    return {
        "K1 before BEGIN": (Atomic, "__enter__", False),
        "K2 locked": (opening, "lock_orders_within", True),
        "way back wanted": (opening, "create_easy_returns", True),
        "K12 picture and case written": (opening, "insert_cases", True),
        "history written": (opening, "publish", False),
        "message written": (opening, "publish", True),
        "before COMMIT": (BaseDatabaseWrapper, "_commit", False),
        "K4 committed, no response": (BaseDatabaseWrapper, "_commit", True),
        "K3 before the answer": (opening, "open_cases", True),
    }


UNDONE = (
    "K1 before BEGIN",
    "K2 locked",
    "way back wanted",
    "K12 picture and case written",
    "history written",
    "message written",
    "before COMMIT",
)
DONE = ("K4 committed, no response", "K3 before the answer")


def _die_at(point: str) -> None:
    owner, name, after = _points()[point]
    wrapped: Callable[..., Any] = getattr(owner, name)

    def dying(*arguments: Any, **named: Any) -> Any:
        if after:
            wrapped(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, dying)


def run(errand: Errand) -> None:
    """Write the image, then open the case."""
    from django.conf import settings

    from takeback.cancellations.commands import open as opening
    from takeback.cancellations.inputs import NewCase, NewImage
    from takeback.cancellations.statuses import Kind
    from takeback.core import clock
    from takeback.core.actor import Actor, ActorKind
    from takeback.core.ids import ItemId
    from takeback.orders.scope import OrderScope

    path = settings.DATA_DIR / "media" / errand.image
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"an image")
    new = NewCase(
        order_item=ItemId(errand.order_item),
        kind=Kind.RETURN,
        reason=errand.reason,
        carrier=errand.carrier,
        images=(NewImage(errand.image, "", None),),
    )
    opening.open_cases([new], OrderScope(1), actor=Actor(ActorKind.CUSTOMER, 1), now=clock.now())


def environment() -> dict[str, str]:
    """The environment of this process, on the running test's database."""
    return os.environ | {"DATABASE_URL": database_url()}


def command(*arguments: object) -> list[str]:
    """This module as a program."""
    return [sys.executable, "-m", "tests.rigs.kill", *map(str, arguments)]


class Victims:
    """Children of one process that has loaded everything: each dies at its point."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def die(self, point: str, errand: Errand) -> int:
        """The signal that ended the child; 0 when it came to its own end."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\t".join([point, *map(str, errand)]) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def victims() -> Iterator[Victims]:
    """Ready to die."""
    with subprocess.Popen(
        command(),
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Victims(process)


def _serve() -> None:
    """Read a point and an errand from each line; the answer is the signal."""
    _points()  # what children need is loaded once, here
    for line in sys.stdin:
        point, *errand = line.rstrip("\n").split("\t")
        child = os.fork()
        if not child:
            _die_at(point)
            run(Errand.read(errand))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}\n")
        sys.stdout.flush()


def main(arguments: Sequence[str]) -> None:
    """Without arguments a parent of victims, with an errand only that."""
    import django

    django.setup()
    if arguments:
        run(Errand.read(arguments))
    else:
        _serve()


if __name__ == "__main__":
    main(sys.argv[1:])
