"""What an agent typed into a form whose session had ended: kept until the next sign-in.

The sign-in form carries it encrypted, then the new session holds it until its page is opened. It
only fills the form in again: nothing is decided by it.
"""

import json
from typing import Any

from cryptography.exceptions import InvalidTag
from django.http import QueryDict

from takeback.core.encryption import decrypt, encrypt
from takeback.core.errors import Refused

FIELD = "kept"
MAX_BYTES = 20_000
_CONTEXT = "desk:kept-form"
_NEVER_KEPT = {"csrfmiddlewaretoken", "next", "code", "ticket", FIELD}


def keep_form(values: QueryDict, path: str) -> str:
    """The encrypted values of a form, and the path of its page.

    Empty when there is nothing to keep, or too much. Passwords, codes and secrets are left out.
    """
    kept = {name: texts for name, texts in values.lists() if _may_be_kept(name) and any(texts)}
    text = json.dumps({"path": path, "values": kept})
    return encrypt(text, _CONTEXT) if kept and len(text) <= MAX_BYTES else ""


def kept_values(encrypted: str, path: str) -> QueryDict:
    """The values that were kept for the page with this path; empty for any other text."""
    values = QueryDict(mutable=True)
    try:
        kept: dict[str, Any] = json.loads(decrypt(encrypted, _CONTEXT))
    except (InvalidTag, ValueError, Refused):
        return values
    if kept["path"] == path:
        for name, texts in kept["values"].items():
            values.setlist(name, texts)
    return values


def _may_be_kept(name: str) -> bool:
    return name not in _NEVER_KEPT and "password" not in name and "secret" not in name
