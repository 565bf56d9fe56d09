"""The kinds of objects that channel systems speak of, each with a number that never changes."""

from enum import StrEnum


class ContentType(StrEnum):
    """A kind of object, by the name that channel systems give it (domain C.17).

    Of the kinds that we do not keep, a channel's own numbers are noted as they are told.
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
"""New kinds are added at the end: the numbers are kept by others."""

BY_NUMBER = {number: kind for kind, number in NUMBERS.items()}
