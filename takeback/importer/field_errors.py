"""What serializers find, as the one sentence of a report line."""

from rest_framework.exceptions import ValidationError


def texts_of(error: ValidationError) -> str:
    """Every field at fault with its first text: `amount: …; number: …`."""
    detail: dict[str, list[str]] = error.detail  # type: ignore[assignment]  # as flat as told
    return "; ".join(f"{name}: {texts[0]}" for name, texts in detail.items())
