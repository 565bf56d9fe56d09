"""The data folder: what is made there before the settings are complete.

Commands that only look make nothing: they must not leave files in the folder one stands in.
"""

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Mode:
    """Whether this process makes missing files; a command decides before the settings are read."""

    makes_files: bool = True


MODE = Mode()


class UnusableFolder(Exception):
    """A file of the data folder cannot be read or written; the text is a sentence."""


def prepare(folder: Path) -> None:
    """Make the data folder, and the folder of mails in it, for the service's user only."""
    if MODE.makes_files:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (folder / "mails").mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise _unusable(folder, error) from None


def stored_secret(folder: Path, name: str, generate: Callable[[], str]) -> str:
    """The secret in a file of the data folder, generated once; empty if it must not be made."""
    file = folder / name
    try:
        if MODE.makes_files and not file.exists():
            # A temporary file and a link: of two processes that start together one wins completely.
            temporary = folder / f".{name}.{secrets.token_hex(8)}"
            temporary.touch(mode=0o600)
            temporary.write_text(generate())
            with suppress(FileExistsError):
                file.hardlink_to(temporary)
            temporary.unlink()
        return file.read_text()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise _unusable(folder, error) from None


def make_database_file(file: Path) -> None:
    """Make an empty SQLite database that other users cannot read; its WAL has the same mode."""
    try:
        file.touch(mode=0o600)
    except OSError as error:
        raise UnusableFolder(
            f"The database file {file} cannot be written ({error.strerror}). "
            "Correct DATABASE_URL or DATA_DIR."
        ) from None


def _unusable(folder: Path, error: OSError) -> UnusableFolder:
    return UnusableFolder(
        f"The data folder {folder} cannot be used ({error.strerror}). Correct DATA_DIR."
    )
