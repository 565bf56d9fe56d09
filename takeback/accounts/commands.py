"""Writing people and keys."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction
from django.db.models import QuerySet

from takeback.accounts.intake import CustomerIn
from takeback.accounts.keys import NewKey, new_key
from takeback.accounts.models import ApiKey, Channel, Session, User
from takeback.core.emails import email_key
from takeback.core.names import name_key

# Few enough that nobody waits long for SQLite's one write lock.
PRUNED_AT_ONCE = 500
USE_NOTED_EVERY = timedelta(minutes=1)
ENDED_KEYS_KEPT = timedelta(days=30)


def customers(channel_id: int, told: Sequence[CustomerIn]) -> dict[tuple[str, str], int]:
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


class TakenByAnother(ValueError):
    """Somebody else of the channel has this already; the text is the name of the column."""


@transaction.atomic
def keep_customer(channel_id: int, told: Mapping[str, Any], *, now: datetime) -> tuple[int, bool]:
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
def change_customer(
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
        raise TakenByAnother("channel_code")
    registered = others.filter(user_type=User.REGISTERED, email_key=person.email_key)
    if person.user_type == User.REGISTERED and registered.exists():
        raise TakenByAnother("email")
    person.save()


def prune_sessions(now: datetime) -> int:
    """Forget up to `PRUNED_AT_ONCE` sessions that are over; how many. Repeat until it is 0."""
    over = Session.objects.filter(expire_date__lte=now).order_by("expire_date")
    batch = over.values("pk")[:PRUNED_AT_ONCE]
    deleted, _ = Session.objects.filter(pk__in=list(batch.values_list("pk", flat=True))).delete()
    return deleted


def note_login(user_id: int, now: datetime) -> None:
    """Remember when somebody signed in last."""
    User.objects.filter(pk=user_id).update(last_login=now)


class KeyRefused(ValueError):
    """A key, or somebody who may have one, cannot be made, changed or found like that.

    The text says why.
    """


def add_channel(name: str, *, channel_type: str = "web") -> int:
    """A new place where the shop sells; its id, which keys and imports name."""
    return Channel.objects.create(name=name, channel_type=channel_type).pk


class Rights(NamedTuple):
    """Channels and scopes that exist, each once and in their order."""

    channel_ids: list[int]
    scopes: list[str]


def rights(channel_ids: Collection[int], scopes: Collection[str]) -> Rights:
    """These channels and scopes, at least one of each; KeyRefused when one is unknown."""
    unknown = set(scopes) - set(ApiKey.SCOPES)
    if unknown or not scopes:
        raise KeyRefused(f"scopes are {', '.join(ApiKey.SCOPES)}; not {sorted(unknown) or 'none'}")
    wanted = sorted(set(channel_ids))
    known = set(Channel.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    if len(known) < len(wanted) or not wanted:
        raise KeyRefused(f"no such channel: {sorted(set(wanted) - known) or 'none named'}")
    return Rights(wanted, [scope for scope in ApiKey.SCOPES if scope in scopes])


@transaction.atomic
def issue_key(
    name: str,
    *,
    channel_ids: Collection[int],
    scopes: Collection[str],
    now: datetime,
    expires_at: datetime | None = None,
    user_id: int | None = None,
) -> NewKey:
    """Make a key for these channels and scopes; its text is known to the caller alone."""
    allowed = rights(channel_ids, scopes)
    if expires_at is not None and expires_at <= now:
        raise KeyRefused("a key must not be born expired")
    made = new_key()
    kept = ApiKey.objects.create(
        name=name,
        public_id=made.public_id,
        secret_hash=made.digest,
        scopes=allowed.scopes,
        user_id=user_id,
        created_at=now,
        expires_at=expires_at,
    )
    uses = ApiKey.channels.through
    uses.objects.bulk_create(uses(apikey_id=kept.pk, channel_id=pk) for pk in allowed.channel_ids)
    return made


@transaction.atomic
def rotate_key(
    public_id: str, *, overlap: timedelta, now: datetime, expires_at: datetime | None = None
) -> NewKey:
    """A successor that may do the same for as long; the old key works until the overlap is over."""
    old = ApiKey.objects.select_for_update().filter(public_id=public_id).first()
    if old is None or old.revoked_at or (old.expires_at and old.expires_at <= now):
        raise KeyRefused(f"no live key is called {public_id}")
    if expires_at is None and old.expires_at is not None:
        expires_at = now + (old.expires_at - old.created_at)
    made = issue_key(
        old.name,
        channel_ids=list(Channel.objects.filter(apikey=old).values_list("pk", flat=True)),
        scopes=old.scopes,
        now=now,
        expires_at=expires_at,
        user_id=old.user_id,
    )
    ends = now + overlap
    old.expires_at = min(old.expires_at, ends) if old.expires_at else ends
    old.save(update_fields=["expires_at"])
    return made


def revoke_key(public_id: str, *, now: datetime) -> None:
    """End a key at once; keys are asked for at every request and remembered nowhere."""
    live = ApiKey.objects.filter(public_id=public_id, revoked_at=None)
    if not live.update(revoked_at=now):
        raise KeyRefused(f"no live key is called {public_id}")


def prune_keys(now: datetime) -> int:
    """Forget up to `PRUNED_AT_ONCE` keys of logins that ended long ago; how many."""
    over = ApiKey.objects.filter(user__isnull=False, expires_at__lte=now - ENDED_KEYS_KEPT)
    batch = list(over.order_by("expires_at").values_list("pk", flat=True)[:PRUNED_AT_ONCE])
    ApiKey.objects.filter(pk__in=batch).delete()
    return len(batch)


def note_use(key_id: int, last_used_at: datetime | None, now: datetime) -> None:
    """Remember that a key is in use, at most once a minute: a read is not to cost a write."""
    if last_used_at is None or now - last_used_at >= USE_NOTED_EVERY:
        ApiKey.objects.filter(pk=key_id).update(last_used_at=now)
