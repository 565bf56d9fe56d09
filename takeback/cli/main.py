"""The commands of `takeback`; each sets Django up itself, so that help is quick."""

import typer

from takeback.cli import importing, outbox
from takeback.cli.boot import migrate
from takeback.cli.channels import add_channel
from takeback.cli.demo import demo
from takeback.cli.examining import doctor
from takeback.cli.keys import issue_key, revoke_key
from takeback.cli.resealing import reseal
from takeback.cli.serving import serve
from takeback.cli.staff import add_staff, change_staff
from takeback.cli.working import worker

app = typer.Typer(
    help="Everything a shop owes its customer after the order.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with variables would print passwords and personal data.
    pretty_exceptions_show_locals=False,
)
_COMMANDS = (
    *(demo, serve, worker, migrate, doctor, reseal),
    *(add_channel, issue_key, revoke_key, add_staff, change_staff),
)
for _command in _COMMANDS:
    app.command()(_command)
app.add_typer(importing.app, name="import")
app.add_typer(outbox.app, name="outbox")
