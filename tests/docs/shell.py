"""A reader's shell: one bash session in a folder of its own, stopped at the first failure."""

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.docs.page import Part, commands

_SECONDS = 120
_FILES = ".command", ".output", ".errors"


def localize(text: str, replacements: Mapping[str, str]) -> str:
    """Replace texts of a page, such as its ports and the system's folders."""
    for old, new in replacements.items():
        text = re.sub(rf"(?<![\w/]){re.escape(old)}(?!\w)", new.replace("\\", "\\\\"), text)
    return text


class Session(NamedTuple):
    """A running bash; `replacements` are texts of a page that differ in a test."""

    folder: Path
    bash: "subprocess.Popen[bytes]"
    status: int
    replacements: Mapping[str, str]

    def run(self, command: str) -> str:
        """Run a command and return its output; it fails as with `set -eu -o pipefail`."""
        command_file, output, errors = (self.folder / name for name in _FILES)
        command_file.write_text(self.local(command))
        # `.` runs it in this shell, so that variables persist. Programs in the background must
        # not inherit descriptor 3: it reports the end of the command, or of this shell.
        self.write_line(f". {command_file} >{output} 2>{errors} </dev/null 3>&-; echo done >&3\n")
        ready, _, _ = select.select([self.status], [], [], _SECONDS)
        reply = os.read(self.status, 100) if ready else b"no reply in time"
        assert reply == b"done\n", (
            f"{command}\n{output.read_text()}\n{errors.read_text()}\n{reply!r}"
        )
        return output.read_text()

    def write_line(self, line: str) -> None:
        """Give the shell a line."""
        assert self.bash.stdin is not None
        self.bash.stdin.write(line.encode())
        self.bash.stdin.flush()

    def local(self, text: str) -> str:
        """The text with the ports and folders of this test."""
        return localize(text, self.replacements)

    def value(self, text: str) -> str:
        """The text as a double-quoted word of this shell: variables have their values."""
        return self.run(f'printf %s "{text}"')


@contextmanager
def session(
    folder: Path, environment: Mapping[str, str], replacements: Mapping[str, str]
) -> Iterator[Session]:
    """A bash with these variables only; what it has started ends with it."""
    reading, writing = os.pipe()
    bash = subprocess.Popen(
        ["bash", "--norc", "-s"],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.PIPE,
        pass_fds=[writing],
        start_new_session=True,
    )
    os.close(writing)
    shell = Session(folder, bash, reading, replacements)
    try:
        shell.write_line(f"exec 3>&{writing} {writing}>&-; set -eu -o pipefail\n")
        yield shell
    finally:
        assert bash.stdin is not None
        bash.stdin.close()
        _end_group(bash)
        os.close(reading)


def _end_group(bash: "subprocess.Popen[bytes]") -> None:
    """Stop the shell and its background programs, in an orderly way if they can."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(bash.pid, number)
        except ProcessLookupError:
            break
        end = time.monotonic() + 15
        while time.monotonic() < end and _group_runs(bash):
            time.sleep(0.05)
    bash.wait(timeout=_SECONDS)


def _group_runs(bash: "subprocess.Popen[bytes]") -> bool:
    bash.poll()
    try:
        os.killpg(bash.pid, 0)
    except ProcessLookupError:
        return False
    return True


def run_block(shell: Session, part: Part) -> str:
    """Run the commands of a block, compare what each prints, and return the output of all."""
    outputs = []
    for command, prints in commands(part.text):
        output = shell.run(command)
        if prints is not None:
            check_output(shell, prints, output, command)
        outputs.append(output)
    return "".join(outputs)


def check_output(shell: Session, expected: str, output: str, command: str) -> None:
    """Compare an output with the page, where `…` stands for any text of one line."""
    pattern = ".*".join(map(re.escape, shell.local(expected).strip().split("…")))
    assert re.fullmatch(pattern, output.strip()), f"{command}\nprints {output}\nnot {expected}"


def write_file(shell: Session, part: Part) -> None:
    """Write a block to the file that the page names."""
    path = Path(shell.value("$PWD")) / shell.value(shell.local(part.file))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(shell.local(part.text))
