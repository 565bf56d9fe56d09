"""Adding channels."""

from takeback.accounts.models import Channel


def add_channel(name: str, *, channel_type: str = "web") -> int:
    """A new place where the shop sells; its id, which keys and imports name."""
    return Channel.objects.create(name=name, channel_type=channel_type).pk
