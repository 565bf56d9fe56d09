"""Agents for tests, and requests as their browsers send them."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import zeal

from takeback.accounts.models import User
from takeback.accounts.staff import create_staff_user
from takeback.core import clock
from takeback.desk.auth import COOKIE, sign_in
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import token_of

FORM = "application/x-www-form-urlencoded"
PASSWORD = "a-long-enough-password"
EVERYTHING = ("read", "decide", "money", "pii", "admin")


def member(
    username: str = "ada",
    *,
    scopes: Sequence[str] = EVERYTHING,
    channels: Sequence[int] = (factories.SHOP,),
) -> User:
    """A member of staff of these channels."""
    with zeal.zeal_ignore():
        for pk in channels:
            factories.create_channel(pk=pk)
        pk = create_staff_user(username, password=PASSWORD, channel_ids=channels, scopes=scopes)
        return User.objects.select_related("staff").get(pk=pk)


def browser_of(user: User) -> HttpClient:
    """A browser in which this user has signed in."""
    client = HttpClient()
    with zeal.zeal_ignore():
        session = sign_in(user, clock.now())
    client.cookies[COOKIE] = str(session.session_key)
    return client


def agent(**fields: Any) -> HttpClient:
    """The browser of a new, signed-in member of staff."""
    return browser_of(member(**fields))


def send(client: HttpClient, path: str, **fields: Any) -> Any:
    """Send a form with its CSRF token."""
    token = token_of(client)["X-CSRFToken"]
    body = urlencode({"csrfmiddlewaretoken": token, **fields}, doseq=True)
    return client.post(path, body, content_type=FORM)


def filter_queue(client: HttpClient, **fields: Any) -> Any:
    """Send the form of the queue's filters; the page to which its response leads."""
    response = send(client, "/desk/", **fields)
    return client.get(response["Location"]) if response.status_code == 303 else response


def page_of(response: Any) -> str:
    """The text of a page of the desk."""
    assert response["Content-Type"] == "text/html; charset=utf-8"
    page: str = response.content.decode()
    assert page.startswith("<!doctype html>")
    return page


def code_on(response: Any) -> str:
    """The refusal code of a page, which readers do not see."""
    match = re.search(r'data-code="([a-z_0-9]+)"', page_of(response))
    return match[1] if match else ""


def rows_on(response: Any) -> list[int]:
    """The ids of the cases that a queue shows, in its order."""
    return [int(pk) for pk in re.findall(r'id="case-(\d+)"', page_of(response))]
