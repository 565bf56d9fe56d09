"""The commands of `takeback`; each sets Django up itself, so that help is quick."""

import typer

from takeback.cli import import_orders, outbox
from takeback.cli.add_channel import add_channel
from takeback.cli.add_staff import add_staff
from takeback.cli.change_staff import change_staff
from takeback.cli.demo import demo
from takeback.cli.doctor import doctor
from takeback.cli.issue_key import issue_key
from takeback.cli.migrate import migrate
from takeback.cli.revoke_key import revoke_key
from takeback.cli.rotate_data_key import rotate_data_key
from takeback.cli.serve import serve
from takeback.cli.worker import worker

app = typer.Typer(
    help="Everything a shop owes its customer after the order.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with variables would print passwords and personal data.
    pretty_exceptions_show_locals=False,
)
_COMMANDS = (
    *(demo, serve, worker, migrate, doctor, rotate_data_key),
    *(add_channel, issue_key, revoke_key, add_staff, change_staff),
)
for _command in _COMMANDS:
    app.command()(_command)
app.add_typer(import_orders.app, name="import")
app.add_typer(outbox.app, name="outbox")
