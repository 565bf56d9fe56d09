"""Workers that are killed at a named point while they send a refund; the provider survives.

`python -m tests.rigs.refund_kill` delivers the messages of refunds that are due.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Self

from tests.rigs.serving import database_url


def die_at(name: str) -> None:
    """Let this process die at a point."""
    from takeback.refund_providers.sandbox import SandboxProvider
    from tests.rigs.refund_points import STEPS_OF_THE_REQUEST, points

    if name in STEPS_OF_THE_REQUEST:
        _wrap(SandboxProvider, "refund", before=lambda: _die_in_request(STEPS_OF_THE_REQUEST[name]))
        return
    point = points()[name]
    if point.is_after:
        _wrap(point.owner, point.name, after=_die)
    else:
        _wrap(point.owner, point.name, before=_die)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_in_request(step: str) -> None:
    """The request that begins now ends this process at a step of the client."""
    from takeback.refund_providers import http_request

    def trace(deadline: Any, event: str, info: Any) -> None:
        if event.endswith(step):
            _die()

    http_request._Deadline.trace = trace  # type: ignore[method-assign, assignment] # noqa: SLF001 - the client reports its steps there


def _wrap(
    owner: Any,
    name: str,
    *,
    before: Callable[[], object] = lambda: None,
    after: Callable[[], object] = lambda: None,
) -> None:
    wrapped: Callable[..., Any] = getattr(owner, name)

    def wrapping(*arguments: Any, **named: Any) -> Any:
        before()
        result = wrapped(*arguments, **named)
        after()
        return result

    setattr(owner, name, wrapping)


def deliver() -> int:
    """Deliver what is due."""
    from takeback.handlers.refunds import HANDLERS
    from takeback.outbox.worker import Worker

    return Worker(HANDLERS).deliver_all()


class Victims:
    """Children of one process that has loaded everything: each dies at its point."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.rigs.refund_kill"],
            env=os.environ | {"DATABASE_URL": database_url()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def die(self, point: str) -> int:
        """The signal that ended the child; 0 when it came to its own end."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{point}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def main() -> None:
    """Read a point from each line; the result is the signal that ended the child."""
    # Logs go to standard output, too, and the results must not mix with them.
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as results:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

        import django

        django.setup()
        from tests.rigs.refund_points import points, register_providers

        register_providers()
        points()  # what children need is loaded once, here
        for line in sys.stdin:
            child = os.fork()
            if not child:
                die_at(line.rstrip("\n"))
                deliver()
                os._exit(0)
            _, status = os.waitpid(child, 0)
            results.write(f"{os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}\n")
            results.flush()


if __name__ == "__main__":
    main()
