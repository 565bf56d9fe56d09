"""Getting Django, and its database, ready for a command."""

import os


def boot() -> None:
    """Set Django up; commands call it first, so that `takeback --help` need not wait for it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "takeback.settings")
    import django

    django.setup()


def migrate() -> None:
    """Bring the database up to this version; safe to repeat."""
    boot()
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
