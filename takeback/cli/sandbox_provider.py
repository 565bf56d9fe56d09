"""`takeback sandbox-provider`: a payment provider on this machine for tests and demos."""

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from takeback.cli.ports import unusable_reason
from takeback.cli.setup import fail


def sandbox_provider(
    *,
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on.")] = 8099,
    data: Annotated[Path, typer.Option(help="Folder of the sandbox's own ledger.")] = Path(
        "var/sandbox"
    ),
) -> None:
    """Serve the sandbox payment provider on this machine until SIGTERM or Ctrl-C.

    It moves no money. It keeps a ledger of its own and misbehaves on demand.
    """
    from takeback.refund_providers.sandbox_server import ledger
    from takeback.refund_providers.sandbox_server.server import FILE, HOST, SandboxServer

    if reason := unusable_reason(HOST, port):
        fail(reason)
    data.mkdir(parents=True, exist_ok=True)
    server = SandboxServer(data / FILE, port=port)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.stop).start())
    typer.echo(f"Sandbox provider on {server.url}, account {ledger.ACCOUNT}")
    typer.echo(f"secret {ledger.SECRET}, webhook_secret {ledger.WEBHOOK_SECRET}")
    server.serve()
