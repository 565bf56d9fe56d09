"""`takeback add-reason`."""

from typing import Annotated

import typer

from takeback.cli.setup import open_database, stop

_TYPES = ("cancel", "refund")
_SUBJECT_MAX = 100


def add_reason(
    subject: Annotated[str, typer.Argument(help="The reason as shoppers read it.")],
    *,
    of_type: Annotated[str, typer.Option("--type", help="cancel, or refund for returns.")],
    channel: Annotated[
        int | None, typer.Option(help="Id of a channel; without it the reason serves all.")
    ] = None,
    translation: Annotated[
        list[str] | None,
        typer.Option(metavar="LANGUAGE=SUBJECT", help="Such as de=Zu klein; may be repeated."),
    ] = None,
    needs_description: Annotated[
        bool, typer.Option("--needs-description", help="Shoppers must add a few words.")
    ] = False,
) -> None:
    """Add a reason for cancellations or returns and print its id."""
    if of_type not in _TYPES:
        stop("The type of a reason is cancel or refund.")
    translations = dict(map(_translation, translation or []))
    _require_subject(subject)
    open_database()
    from takeback.accounts.channels import InvalidChannel, require_channel
    from takeback.cancellations.commands import reasons
    from takeback.core import clock

    values = {
        "cancellation_type": of_type,
        "subject": subject.strip(),
        "translations": translations,
        "extra_information_needed": needs_description,
    }
    try:
        if channel is not None:
            require_channel(channel)
    except InvalidChannel as reason:
        stop(reason)
    reason_id = reasons.add_reason(channel, values, now=clock.now())
    typer.echo(reason_id)
    typer.echo(f"Reason {reason_id} added for {_owner(channel)}: {subject.strip()}.", err=True)


def _translation(text: str) -> tuple[str, dict[str, str]]:
    language, _, subject = text.partition("=")
    if not (language.replace("-", "").isalpha() and subject):
        stop(f"--translation {text} has not the form LANGUAGE=SUBJECT, such as de=Zu klein.")
    _require_subject(subject)
    return language.lower(), {"subject": subject.strip()}


def _require_subject(subject: str) -> None:
    if not 0 < len(subject.strip()) <= _SUBJECT_MAX:
        stop(f"A subject has 1 to {_SUBJECT_MAX} characters.")


def _owner(channel: int | None) -> str:
    return "all channels" if channel is None else f"channel {channel}"
