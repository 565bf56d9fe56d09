"""The content types of channel systems, each with a number that never changes."""

from enum import StrEnum


class ContentType(StrEnum):
    """A kind of object, by its name in channel systems.

    Objects of the kinds that this service does not store have the channel's own ids.
    """

    ORDER = "order"
    ORDER_ITEM = "orderitem"
    CANCELLATION_REQUEST = "cancellationrequest"
    CHANNEL = "channel"
    BATCH_REQUEST = "batchrequest"
    INTEGRATION_ACTION = "integrationaction"
    PRODUCT = "product"
    PRODUCT_PRICE = "productprice"
    PRODUCT_STOCK = "productstock"
    PRODUCT_IMAGE = "productimage"
    PRODUCT_CATEGORY = "productcategory"
    CATEGORY_TREE = "categorytree"
    CATEGORY_NODE = "categorynode"


NUMBERS = {kind: number for number, kind in enumerate(ContentType, start=1)}
"""Add new kinds at the end: channel systems store the numbers."""

BY_NUMBER = {number: kind for kind, number in NUMBERS.items()}
