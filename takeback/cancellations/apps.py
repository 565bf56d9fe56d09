"""The room's entry in Django's register."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CancellationsConfig(AppConfig):
    """Puts the triggers back after every migration."""

    name = "takeback.cancellations"

    def ready(self) -> None:
        from takeback.cancellations.triggers import after_migrate

        post_migrate.connect(after_migrate, sender=self)
