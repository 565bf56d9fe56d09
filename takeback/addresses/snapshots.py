"""The copies of addresses that orders keep."""

from collections.abc import Sequence

from takeback.addresses.address_input import COPIED, DOCUMENTS, PLAIN, AddressIn
from takeback.addresses.models import Address
from takeback.addresses.places import Places
from takeback.core.db.bulk import insert_rows, json_text, reserve_ids

_COPY_COLUMNS = (
    "id",
    "user_id",
    *COPIED,
    "country_id",
    "city_id",
    "township_id",
    "district_id",
    "place",
    "hash_data",
    "is_copy",
    "primary",
    "is_active",
)


def snapshot_addresses(told: Sequence[tuple[int, AddressIn]], places: Places) -> list[int]:
    """Write the copies that orders keep, one per (user id, address); their ids in that order."""
    ids = list(reserve_ids(Address, len(told)))
    rows = []
    for address_id, (user_id, address) in zip(ids, told, strict=True):
        *location, place = places.of(address)
        rows.append(
            (
                address_id,
                user_id,
                *(getattr(address, name) for name in PLAIN),
                *(json_text(getattr(address, name)) for name in DOCUMENTS),
                *location,
                json_text(place),
                address.digest(),
                True,
                False,
                True,
            )
        )
    insert_rows(Address, _COPY_COLUMNS, rows)
    return ids
