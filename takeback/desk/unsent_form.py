"""What an agent typed into a form whose session had ended: kept until the next sign-in.

The sign-in form carries it encrypted, then the new session holds it until its page is opened. It
only fills the form in again: nothing is decided by it.
"""

import json
from typing import Any

from django.http import QueryDict

from takeback.core.encryption import decrypt, encrypt
from takeback.core.errors import Refused

FIELD = "unsent"
MAX_BYTES = 20_000
_CONTEXT = "desk:unsent-form"
_EXCLUDED = {"csrfmiddlewaretoken", "next", "code", "ticket", FIELD}


def encrypt_form(values: QueryDict, path: str) -> str:
    """The encrypted values of a form, and the path of its page.

    Empty when there is nothing to keep, or too much. Passwords, codes and secrets are left out.
    """
    included = {name: texts for name, texts in values.lists() if _is_included(name) and any(texts)}
    text = json.dumps({"path": path, "values": included}, ensure_ascii=False)
    return encrypt(text, _CONTEXT) if included and len(text.encode()) <= MAX_BYTES else ""


def decrypt_form(encrypted: str, path: str) -> QueryDict:
    """The values that were kept for the page with this path; empty for any other text."""
    values = QueryDict(mutable=True)
    try:
        document: dict[str, Any] = json.loads(decrypt(encrypted, _CONTEXT))
    except (ValueError, Refused):
        return values
    if document["path"] == path:
        for name, texts in document["values"].items():
            values.setlist(name, texts)
    return values


def _is_included(name: str) -> bool:
    return name not in _EXCLUDED and "password" not in name and "secret" not in name
