"""The `takeback` program; its commands set up Django themselves, so that `--help` is fast."""

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
    help="Order lookup, cancellations, returns and refunds for online shops.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with variables would print passwords and personal data.
    pretty_exceptions_show_locals=False,
)
for _command in (
    *(demo, serve, worker, migrate, doctor, rotate_data_key),
    *(add_channel, issue_key, revoke_key, add_staff, change_staff),
):
    app.command()(_command)
app.add_typer(import_orders.app, name="import")
app.add_typer(outbox.app, name="outbox")
