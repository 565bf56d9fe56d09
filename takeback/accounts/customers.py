"""Customers of a channel: found by code or e-mail address, added and updated."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction
from django.db.models import QuerySet

from takeback.accounts.customer_input import CustomerIn
from takeback.accounts.models import Channel, User
from takeback.core.normalize import email_key, name_key


def get_or_create_customers(
    channel_id: int, told: Sequence[CustomerIn]
) -> dict[tuple[str, str], int]:
    """The ids of these customers of the channel by `CustomerIn.key`; new ones are added."""
    wanted = {customer.key(): customer for customer in told}
    found = _known(channel_id, wanted.values())
    # A registered address is one person, even if told under two codes in one go.
    people = {_person(customer): customer for key, customer in wanted.items() if key not in found}
    added = dict(zip(people, _add(channel_id, people.values()), strict=True))
    return {key: found.get(key) or added[_person(customer)] for key, customer in wanted.items()}


def _person(customer: CustomerIn) -> tuple[str, str]:
    registered = customer.user_type == User.REGISTERED
    return (User.REGISTERED, email_key(customer.email)) if registered else customer.key()


def _known(channel_id: int, told: Collection[CustomerIn]) -> dict[tuple[str, str], int]:
    codes = [customer.channel_code for customer in told if customer.channel_code]
    emails = [email_key(customer.email) for customer in told]
    found: dict[tuple[str, str], int] = {}
    people = User.objects.filter(channel_id=channel_id, is_staff=False)
    by_email = people.filter(email_key__in=emails).order_by("-id")
    for user_id, kind, key in by_email.values_list("id", "user_type", "email_key"):
        found[kind, key] = user_id
    for user_id, code in people.filter(channel_code__in=codes).values_list("id", "channel_code"):
        found["code", str(code)] = user_id
    for customer in told:
        same = found.get(_person(customer))
        if customer.user_type == User.REGISTERED and same:
            found.setdefault(customer.key(), same)
    return found


def _add(channel_id: int, told: Collection[CustomerIn]) -> list[int]:
    people = User.objects.bulk_create(
        User(
            channel_id=channel_id,
            email=customer.email.strip(" "),
            email_key=email_key(customer.email),
            user_type=customer.user_type,
            channel_code=customer.channel_code,
            first_name=customer.first_name,
            last_name=customer.last_name,
            first_name_key=name_key(customer.first_name),
            last_name_key=name_key(customer.last_name),
            phone=customer.phone,
            language_code=customer.language_code,
            attributes=customer.attributes,
            password=UNUSABLE_PASSWORD_PREFIX,
        )
        for customer in told
    )
    return [user.pk for user in people]


class CustomerConflict(ValueError):
    """Somebody else of the channel has this already; the text is the name of the column."""


@transaction.atomic
def save_customer(channel_id: int, told: Mapping[str, Any], *, now: datetime) -> tuple[int, bool]:
    """Add a customer, or take over what is told of one we know; their id, and whether they are new.

    `told` holds columns, at least `email`. A customer is known by their code, else by e-mail
    address: the registered one of it, or for a guest without a code the first such guest.
    `TakenByAnother` when another registered customer has the address, or another one the code.
    """
    _one_at_a_time(channel_id)
    kind = told.get("user_type", User.GUEST)
    code, key = told.get("channel_code"), email_key(told["email"])
    people = User.objects.filter(channel_id=channel_id, is_staff=False).order_by("id")
    found = people.filter(channel_code=code).first() if code else None
    if found is None and (kind == User.REGISTERED or not code):
        found = people.filter(user_type=kind, email_key=key).first()
    if found is not None:
        _take_over(found, told, people, now)
        return found.pk, False
    new = User(
        channel_id=channel_id, password=UNUSABLE_PASSWORD_PREFIX, user_type=kind, date_joined=now
    )
    _take_over(new, told, people, now)
    return new.pk, True


@transaction.atomic
def update_customer(
    channel_id: int, user_id: int, told: Mapping[str, Any], *, now: datetime
) -> bool:
    """Take over what is told of this customer; False if the channel does not have them.

    `TakenByAnother` as for `keep_customer`.
    """
    _one_at_a_time(channel_id)
    people = User.objects.filter(channel_id=channel_id, is_staff=False)
    found = people.filter(pk=user_id).first()
    if found is not None:
        _take_over(found, told, people, now)
    return found is not None


def _one_at_a_time(channel_id: int) -> None:
    """As when orders come in: two at once would add the same customer twice."""
    Channel.objects.select_for_update(no_key=True).get(pk=channel_id)


def _take_over(
    person: User, told: Mapping[str, Any], people: "QuerySet[User]", now: datetime
) -> None:
    """What kind of customer somebody is does not change: their orders have been told so."""
    for name, value in told.items():
        if name != "user_type":
            setattr(person, name, value)
    person.email_key = email_key(person.email)
    person.first_name_key = name_key(person.first_name)
    person.last_name_key = name_key(person.last_name)
    person.modified_date = now
    others = people.exclude(pk=person.pk)
    if person.channel_code and others.filter(channel_code=person.channel_code).exists():
        raise CustomerConflict("channel_code")
    registered = others.filter(user_type=User.REGISTERED, email_key=person.email_key)
    if person.user_type == User.REGISTERED and registered.exists():
        raise CustomerConflict("email")
    person.save()
