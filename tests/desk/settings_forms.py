"""Forms of the settings as browsers send them: boxes that are not checked are left out."""

from typing import Any
from urllib.parse import urlencode

import zeal

from tests.desk.agents import FORM
from tests.factories import HttpClient
from tests.storefront.api import token_of


def submit(client: HttpClient, path: str, **fields: Any) -> Any:
    """Send a form with its CSRF token; lists are fields with several values."""
    token = token_of(client)["X-CSRFToken"]
    body = urlencode({"csrfmiddlewaretoken": token, **fields}, doseq=True)
    with zeal.zeal_context():
        return client.post(path, body, content_type=FORM)
