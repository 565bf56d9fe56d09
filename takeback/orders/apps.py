"""The room's entry in Django's register."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class OrdersConfig(AppConfig):
    """Puts the triggers back after every migration."""

    name = "takeback.orders"

    def ready(self) -> None:
        from takeback.orders.triggers import after_migrate

        post_migrate.connect(after_migrate, sender=self)
