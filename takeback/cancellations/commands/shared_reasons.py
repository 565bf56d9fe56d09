"""Adds the reasons that all channels of a new installation share."""

import tomllib
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from takeback.cancellations.models import CancellationReason
from takeback.core.db.bulk import continue_ids

FIRST, FALLBACK = 1, 10
"""Clients send the first reason, and the fallback when the shop's own is unknown to them."""

_FILE = Path(__file__).parents[1] / "shared_reasons.toml"


class SharedReason(NamedTuple):
    """A reason of the file; `subjects` by language tag, such as `en-us`."""

    id: int
    kind: str
    subjects: dict[str, str]
    needs_description: bool

    def subject_in(self, language: str) -> str:
        """The subject in a language, else in English."""
        tag = next((tag for tag in self.subjects if tag.startswith(language)), "en-us")
        return self.subjects[tag]


def shared_reasons() -> list[SharedReason]:
    return [
        SharedReason(
            id=entry["id"],
            kind=entry["type"],
            subjects=entry["subject"],
            needs_description=entry.get("needs_description", False),
        )
        for entry in tomllib.loads(_FILE.read_text(encoding="utf-8"))["reason"]
    ]


def add_shared_reasons(language: str, *, now: datetime) -> list[int]:
    """Add the missing ones with their fixed ids, and return these; the others stay as they are.

    Their subject is that of the shop's language, for clients that ask for another one.
    """
    existing = set(CancellationReason.objects.values_list("pk", flat=True))
    rows = [
        CancellationReason(
            pk=reason.id,
            cancellation_type=reason.kind,
            subject=reason.subject_in(language),
            translations={tag: {"subject": text} for tag, text in reason.subjects.items()},
            extra_information_needed=reason.needs_description,
            order=reason.id * 10,
            created_date=now,
            modified_date=now,
        )
        for reason in shared_reasons()
        if reason.id not in existing
    ]
    CancellationReason.objects.bulk_create(rows)
    if rows:
        continue_ids(CancellationReason, rows[-1].pk)
    return [row.pk for row in rows]
