"""The clean-up of image files that no case refers to."""

from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from takeback.cancellations.models import CancellationRequestImage
from takeback.images.store import FOLDER

MIN_AGE = timedelta(days=1)
BATCH_SIZE = 500


def sweep_images(now: datetime) -> int:
    """Delete files that are older than a day and belong to no case, and return their number.

    Processes leave them behind that die after writing the file and before inserting the row.
    """
    return sum(_sweep_folder(folder, now) for folder in (settings.MEDIA_ROOT / FOLDER).glob("??"))


def _sweep_folder(folder: Path, now: datetime) -> int:
    before = (now - MIN_AGE).timestamp()
    old = {
        f"{FOLDER}/{folder.name}/{path.name}": path
        for path in folder.iterdir()
        if _modified_at(path) < before
    }
    names, deleted = list(old), 0
    for start in range(0, len(names), BATCH_SIZE):
        for name in unclaimed_images(names[start : start + BATCH_SIZE]):
            old[name].unlink(missing_ok=True)
            deleted += 1
    return deleted


def unclaimed_images(names: Collection[str]) -> set[str]:
    """The names that belong to no case."""
    claimed = CancellationRequestImage.objects.filter(image__in=names)
    return set(names).difference(claimed.values_list("image", flat=True))


def _modified_at(path: Path) -> float:
    """The time of the last change; a temporary file that was renamed meanwhile counts as new."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")
