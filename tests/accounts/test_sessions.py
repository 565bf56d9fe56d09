"""Sessions whose user is deleted while a request runs."""

from typing import Any

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.db import transaction

from takeback.accounts.models import Session, User
from takeback.accounts.sessions import USER_ID, SessionStore
from tests import factories


@pytest.mark.django_db(transaction=True)
@pytest.mark.allow_repeated_queries("a session is saved several times")
@pytest.mark.parametrize("changes_key", [False, True])
def test_session_of_a_deleted_user_is_not_saved(changes_key: bool) -> None:
    user = factories.create_customer(user_type=User.PENDING)
    store: Any = SessionStore()
    store[USER_ID] = user.pk
    store.save()
    stored = Session.objects.get()
    User.objects.filter(pk=user.pk).delete()
    with transaction.atomic():
        Session.objects.create(
            session_key=stored.session_key, expire_date=stored.expire_date, session_data="{}"
        )
    if changes_key:
        store.cycle_key()
    store["language"] = "de"
    with pytest.raises(UpdateError):
        store.save()
    assert Session.objects.get().user_id is None
