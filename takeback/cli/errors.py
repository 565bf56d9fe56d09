"""The error boundary of all commands: an ordinary mistake ends with one sentence, no traceback."""

import errno
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from takeback.cli.setup import fail, stop

_FULL = (errno.ENOSPC, errno.EDQUOT)
_ORDINARY = (
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT),
    *(errno.ENOTDIR, errno.EISDIR, errno.EFBIG, errno.ELOOP, errno.ENAMETOOLONG),
)


class Program(TyperGroup):
    """A group of commands that ends with a sentence when one of them meets an ordinary error.

    A defect of the program keeps its traceback: it is what a report needs.
    """

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort):
            raise
        except OSError as error:
            if sentence := _of_file(error):
                fail(sentence)
            raise
        except Exception as error:
            if sentence := _of_setting(error):
                stop(sentence)
            if sentence := _of_refusal(error):
                stop(sentence)
            if sentence := _of_data_folder(error) or _of_database(error):
                fail(sentence)
            raise


def _of_file(error: OSError) -> str | None:
    if error.errno in _FULL:
        return "The disk is full. Free space, then run the command again."
    if error.errno in _ORDINARY and error.filename:
        return (
            f"{error.filename} cannot be used ({error.strerror}). Correct its path or its rights."
        )
    return None


def _of_setting(error: Exception) -> str | None:
    from takeback.core.env import WrongSettings

    return "\nError: ".join(map(str, error.settings)) if isinstance(error, WrongSettings) else None


def _of_data_folder(error: Exception) -> str | None:
    from takeback.core.data_folder import UnusableFolder

    return str(error) if isinstance(error, UnusableFolder) else None


def _of_refusal(error: Exception) -> str | None:
    """The sentence of a command that refuses its arguments."""
    if "takeback.core.errors" not in sys.modules:
        return None
    from takeback.core.errors import Refused

    if not isinstance(error, Refused):
        return None
    return str(error.problem.message)


def _of_database(error: Exception) -> str | None:
    if "django.db" not in sys.modules:
        return None
    from django.db import Error

    from takeback.operations.database import explain
    from takeback.operations.migrations import Busy

    if isinstance(error, Busy):
        return str(error)
    return explain(error) if isinstance(error, Error) else None
