"""The process that runs the web server's workers and replaces those that end.

`takeback serve` replaces itself by this program, which loads no Django: workers are forked from it.
"""

import os
import shutil
import signal
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from granian import _signals
from granian._granian import WorkerSignal
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LOGGING_CONFIG, LogLevels
from granian.server import MPServer

# A worker counts open connections, not running requests; a thousand slow clients must not fill it.
MAX_CONNECTIONS = 4_096
# The memory of a connection, before its request is parsed.
_BUFFER_BYTES = 32_768
_LIVE = Path(__file__).parents[1] / "operations" / "live"
_HEADER_MS = 10_000
# More workers than this that end within a minute: they cannot start, or requests kill them.
_MAX_ENDED = 40
_WINDOW_SECONDS = 60
_REPORT_SECONDS = 0.1
_POLL_SECONDS = 0.2
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_HANDLER = {
    "class": "takeback.core.log_output.OutputHandler",
    "formatter": "generic",
    "stream": "stdout",
}
_LOG = {**LOGGING_CONFIG, "handlers": {"console": _HANDLER, "access": _HANDLER}}


class PolledEvent(threading.Event):
    """An event whose `wait` also ends, within the poll interval, when `is_signaled` is true."""

    def __init__(self, is_signaled: Callable[[], bool]) -> None:
        super().__init__()
        self._is_signaled = is_signaled

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the event is set or a signal has come; a timeout is not supported."""
        while not super().wait(_POLL_SECONDS) and not self._is_signaled():
            pass
        return True


class WebServer(MPServer):
    """Replaces workers as long as they do not all end at once.

    granian ends when a worker lives for less than 5.5 seconds. A worker that the kernel kills for
    its memory may do so twice, and the others serve meanwhile.
    """

    ended: tuple[float, ...] = ()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.main_loop_interrupt = PolledEvent(lambda: self.interrupt_signal or self.reload_signal)

    # granian's handlers set the event, and wait for ever if the signal interrupts the main thread
    # while that holds the event's lock.
    def signal_handler_interrupt(self, *_: Any, **__: Any) -> None:
        self.interrupt_signal = True

    def signal_handler_reload(self, *_: Any, **__: Any) -> None:
        self.reload_signal = True

    @staticmethod
    def _spawn_wsgi_worker(*arguments: Any, **options: Any) -> None:
        # Runs in the worker: granian looks this function up once the application is loaded.
        _signals.set_sync_signals = stop_event
        MPServer._spawn_wsgi_worker(*arguments, **options)  # noqa: SLF001 - the function it replaces

    def _respawn_workers(self, workers: list[int], *arguments: Any, **options: Any) -> None:
        # Workers that ended at the same moment are reported one after the other; granian forgets
        # those reported while it reads its list.
        time.sleep(_REPORT_SECONDS)
        dead = {worker.idx for worker in self.wrks if not _is_alive(worker)}
        self.interrupt_children[:] = [idx for idx in self.interrupt_children if idx not in dead]
        replaced = sorted({*workers, *dead})
        super()._respawn_workers(replaced, *arguments, **options)
        now = time.monotonic()
        recent = (moment for moment in self.ended if now - moment < _WINDOW_SECONDS)
        self.ended = (*recent, *(now for _ in replaced))
        if len(self.ended) <= _MAX_ENDED:
            self.respawned_wrks.clear()
        if self.interrupt_signal or self.interrupt_children:
            self.main_loop_interrupt.set()


def _is_alive(worker: Any) -> bool:
    return bool(worker.is_alive())


def web_server(*, host: str, port: int, workers: int, drain_seconds: int) -> WebServer:
    """A server with one thread per worker, which holds many connections."""
    return WebServer(
        "takeback.wsgi:application",
        address=host,
        port=port,
        workers=workers,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_MS, max_buffer_size=_BUFFER_BYTES),
        websockets=False,
        log_level=LogLevels.warning,
        log_dictconfig=_LOG,
        blocking_threads=1,
        backlog=MAX_CONNECTIONS,
        backpressure=MAX_CONNECTIONS,
        respawn_failed_workers=True,
        workers_kill_timeout=drain_seconds,
        # A thread of the server answers: the worker's only other one may wait for the database.
        static_path_route=["/health/live"],
        static_path_mount=[_LIVE],
        static_path_dir_to_file="live.json",
        static_path_expires=0,
    )


def stop_event() -> WorkerSignal:
    """The event that stops a worker; the first signal from now on sets it.

    A thread takes the signal, and later ones stay blocked. With granian's handlers a signal is lost
    that comes just before the main thread waits, and a third one blocks the interpreter while
    requests finish: the event takes one value and keeps one more.
    """
    event = WorkerSignal()
    _block_signals()
    threading.Thread(target=_set_at_signal, args=(event,), daemon=True).start()
    return event


def _set_at_signal(event: WorkerSignal) -> None:
    signal.sigwait(_STOP_SIGNALS)
    event.set()


def keep_signals_of_new_workers() -> None:
    """Let a signal end a worker that still loads, from its first moment.

    A worker inherits handlers that ignore signals, and Python forgets those that come before
    `after_in_child`: they are blocked until the handlers are gone. `stop_event` comes later.
    """
    os.register_at_fork(
        before=_block_signals,
        after_in_parent=_unblock_signals,
        after_in_child=_restore_signals,
    )


def _block_signals() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)


def _unblock_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)


def _restore_signals() -> None:
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    _unblock_signals()


def main() -> None:
    """Serve until a signal ends the process."""
    parser = ArgumentParser()
    parser.add_argument("--host", required=True)
    for name in ("--port", "--workers", "--drain-seconds"):
        parser.add_argument(name, type=int, required=True)
    options = parser.parse_args()
    keep_signals_of_new_workers()
    try:
        web_server(**vars(options)).serve()
    finally:
        if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
