"""Stores the data of other systems once per content, and finds its ids (decision 0002)."""

from collections import OrderedDict
from collections.abc import Sequence

from takeback.orders import order_rows
from takeback.orders.models import Snapshot
from takeback.orders.order_input import Document, OrderIn


class Snapshots:
    """The ids of snapshots by content, cached over the batches of one import.

    Snapshots never change and are never deleted, so cached ids stay valid after the commit. Use
    a new cache after a transaction fails.
    """

    MAX_ENTRIES = 50_000

    def __init__(self) -> None:
        self._ids: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._digests: dict[int, str] = {}

    def load(self, orders: Sequence[OrderIn]) -> None:
        """Make sure that every snapshot of these orders has an id."""
        self._digests.clear()
        missing: dict[tuple[str, str], Document] = {}
        for order in orders:
            for kind, document in order_rows.snapshot_documents(order):
                key = (kind, self._digest(document))
                if key not in self._ids:
                    missing[key] = document
        if missing:
            Snapshot.objects.bulk_create(
                (Snapshot(kind=k, digest=d, document=doc) for (k, d), doc in missing.items()),
                ignore_conflicts=True,
            )
            rows = Snapshot.objects.filter(digest__in=[digest for _, digest in missing])
            for kind, digest, snapshot_id in rows.values_list("kind", "digest", "id"):
                self._ids[kind, digest] = snapshot_id

    def id_of(self, kind: str, document: Document | None) -> int | None:
        """The id of a loaded snapshot; None without a document."""
        return None if document is None else self._ids[kind, self._digest(document)]

    def evict(self) -> None:
        """Remove the oldest entries above the maximum."""
        while len(self._ids) > self.MAX_ENTRIES:
            self._ids.popitem(last=False)

    def _digest(self, document: Document) -> str:
        digest = self._digests.get(id(document))
        if digest is None:
            digest = self._digests[id(document)] = order_rows.digest(document)
        return digest
