"""The categories of a product, as the shop that sold it named them."""

from collections.abc import Iterator
from typing import Any

import msgspec

_NAMES = ("pk", "id", "code", "slug", "name", "path")
"""The keys of a category that a carrier's rule may name."""


class _Product(msgspec.Struct):
    category: Any = None


_decoder = msgspec.json.Decoder(_Product)


def product_categories(document: str | bytes) -> frozenset[str]:
    """The ids and names of the categories of a product, from its JSON text.

    Shops send a category as an object, as a name or id, or as a list of these.
    """
    return frozenset(_names(_decoder.decode(document).category))


def _names(category: Any) -> Iterator[str]:
    if isinstance(category, list):
        for part in category:
            yield from _names(part)
    elif isinstance(category, dict):
        for key in _NAMES:
            if isinstance(value := category.get(key), str | int):
                yield str(value)
    elif isinstance(category, str | int):
        yield str(category)
