"""Image files of cases: which of them no case names, and removing those."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from takeback.cancellations.models import CancellationRequestImage
from takeback.images.store import FOLDER

UNCLAIMED_FOR = timedelta(days=1)
ASKED_AT_ONCE = 500


def sweep_images(now: datetime) -> int:
    """Remove files that no case names and that are older than a day; how many.

    They are left by calls that died between file and row.
    """
    return sum(_sweep_folder(folder, now) for folder in (settings.MEDIA_ROOT / FOLDER).glob("??"))


def _sweep_folder(folder: Path, now: datetime) -> int:
    before = (now - UNCLAIMED_FOR).timestamp()
    old = {
        f"{FOLDER}/{folder.name}/{path.name}": path
        for path in folder.iterdir()
        if _written(path) < before
    }
    swept = 0
    for names in _batches(list(old)):
        for name in unclaimed_images(names):
            old[name].unlink(missing_ok=True)
            swept += 1
    return swept


def unclaimed_images(names: Collection[str]) -> set[str]:
    """Those that no case names."""
    claimed = CancellationRequestImage.objects.filter(image__in=names)
    return set(names).difference(claimed.values_list("image", flat=True))


def _written(path: Path) -> float:
    """When; a file that was set aside and has its name by now is as young as can be."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _batches(names: list[str]) -> Iterator[list[str]]:
    return (names[start : start + ASKED_AT_ONCE] for start in range(0, len(names), ASKED_AT_ONCE))
