"""The account code of `@akinon/next` in its own process: a browser and a storefront server."""

import fcntl
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.rigs.node_packages import digest, node_packages
from tests.rigs.serving import free_port

FOLDER = Path(__file__).with_name("akinon_next")


def bundle() -> Path:
    """One script of the client's code and ours; esbuild removes the types and resolves imports.

    The script is stored with the packages, because building it takes seconds.
    """
    folder = node_packages(FOLDER)
    script = folder / f"storefront-{digest(sorted(FOLDER.glob('*.mjs')))}.cjs"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not script.exists():
            unfinished = script.with_suffix(".unfinished")
            _run_esbuild(folder / "node_modules", unfinished)
            unfinished.rename(script)
    return script


def _run_esbuild(modules: Path, script: Path) -> None:
    command = [
        "node",
        str(modules / "esbuild-wasm" / "bin" / "esbuild"),
        str(FOLDER / "main.mjs"),
        "--bundle",
        "--platform=node",
        f"--outfile={script}",
        f"--alias:settings={FOLDER / 'settings.mjs'}",
        f"--alias:routes={FOLDER / 'routes.mjs'}",
        '--define:process.env.NODE_ENV="production"',
        "--log-level=error",
    ]
    environment = {"PATH": os.environ["PATH"], "NODE_PATH": str(modules)}
    subprocess.run(command, env=environment, check=True, timeout=240)


class Storefront:
    """A running storefront; each method is an action of its visitor."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self._process, self._log = process, log

    def read(self) -> Any:
        """The next result."""
        assert self._process.stdout
        text = self._process.stdout.readline()
        assert text, self._log.read_text()[-5_000:]
        return json.loads(text)

    def run(self, command: str, *parameters: Any) -> Any:
        """Run a command of `main.mjs`."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps([command, *parameters]) + "\n")
        self._process.stdin.flush()
        return self.read()

    def request(self, endpoint: str, *argument: Any) -> Any:
        """What a page gets from an endpoint of the client."""
        return self.run("call", endpoint, *argument)


@contextmanager
def storefront(script: Path, folder: Path, commerce_url: str) -> Iterator[Storefront]:
    """A storefront of this shop, until the block ends."""
    port, log = free_port(), folder / "storefront.log"
    settings = {
        "PATH": os.environ["PATH"],
        "PORT": str(port),
        "COMMERCE_URL": commerce_url,
        "NEXTAUTH_URL": f"http://127.0.0.1:{port}",
        "NEXTAUTH_SECRET": "a secret of this test",
        "LOG_LEVEL": "error",
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            ["node", str(script)],
            env=settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
    try:
        running = Storefront(process, log)
        assert running.read() == "ready"
        yield running
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe
            pipe.close()
