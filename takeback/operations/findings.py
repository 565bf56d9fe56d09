"""The result of a check of the installation."""

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """Only a failure makes the check-up fail."""

    FINE = "fine"
    WARNING = "warning"
    FAILURE = "failure"


class Finding(NamedTuple):
    """The result of one check; unless it is fine, the message names what fixes it."""

    subject: str
    severity: Severity
    message: str


Result = tuple[Severity, str]


def result_of(is_fine: object, *, fine: str, failure: str) -> Result:
    return (Severity.FINE, fine) if is_fine else (Severity.FAILURE, failure)
