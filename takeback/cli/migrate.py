"""`takeback migrate`."""

from takeback.cli.setup import boot


def migrate() -> None:
    """Migrate the database to this version; safe to repeat."""
    boot()
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
