"""Filters of the queue kept in the agent's session: an address contains only their id.

Whatever an agent types may be personal data, and addresses end in logs, in the browser's history
and in chats. A filter ends with the session of the agent who set it; no other agent can use it.
"""

from collections.abc import Mapping
from secrets import token_hex

from takeback.accounts.sessions import SessionStore
from takeback.desk.filters import PERSONAL, STORED, QueueFilters

MAX_FILTERS = 20
"""A session keeps its latest filters, so that it stays small."""
_FIELD = "filters"


def read_filters(query: Mapping[str, str], session: SessionStore) -> QueueFilters:
    """The filters that an address names: the stored ones, else those of its parameters.

    E-mail and name are never read from an address: such a filter counts as missing.
    """
    key = query.get(STORED, "").strip(" ")
    if not key:
        is_missing = any(query.get(name, "").strip(" ") for name in PERSONAL)
        values = {name: text for name, text in query.items() if name not in PERSONAL}
        return QueueFilters(values, is_missing=is_missing)
    values = session.get(_FIELD, {}).get(key)
    # The id of an unknown filter comes from the address: links do not repeat it.
    return QueueFilters(values or {}, key=key if values else "", is_missing=not values)


def store_filters(filters: QueueFilters, session: SessionStore) -> QueueFilters:
    """The filters as an address can name them; only those with typed text are stored."""
    if not filters.has_text:
        return filters
    values, stored = dict(filters.data), dict(session.get(_FIELD, {}))
    key = next((key for key, other in stored.items() if other == values), None) or token_hex(6)
    stored.pop(key, None)
    latest = list({**stored, key: values}.items())[-MAX_FILTERS:]
    session[_FIELD] = dict(latest)
    session.save()
    return QueueFilters(values, key=key)
