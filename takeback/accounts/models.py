"""Channels, users and their sessions, API keys, staff."""

import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from takeback.core.normalize import NAME_KEY_MAX


class Channel(models.Model):
    """A sales channel of a shop; every order and customer belongs to exactly one."""

    name = models.CharField(max_length=255)
    # The address of the shop's storefront, where mailed links lead; empty: `SITE_URL`.
    storefront_url = models.CharField(max_length=500, blank=True, default="")
    # The file name of the shop's logo in the media folder, for pages that mails link to.
    logo = models.CharField(max_length=255, blank=True, default="")
    channel_type = models.CharField(max_length=64, default="web")
    catalog = models.BigIntegerField(null=True)
    category_tree = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null on the wire
    conf = models.JSONField(default=dict)
    schema = models.JSONField(default=dict)
    is_active = models.BooleanField(default=True)
    created_date = models.DateTimeField(db_default=Now())
    modified_date = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


def new_username() -> str:
    """A random name of 32 hex digits, as in the contract's examples."""
    return uuid.uuid4().hex


class User(AbstractBaseUser, PermissionsMixin):
    """A customer of a channel (registered or guest), or a staff user.

    A pending customer has registered and not confirmed the e-mail address yet.
    """

    REGISTERED, GUEST, PENDING = "registered", "guest", "pending"

    channel = models.ForeignKey(Channel, models.PROTECT, null=True)
    # A hash that came from another system has a prefix (`accounts.hashers`): longer than Django's.
    password = models.CharField(max_length=255)
    username = models.CharField(max_length=150, unique=True, default=new_username)
    email = models.CharField(max_length=254)
    email_key = models.CharField(max_length=254, db_index=True)
    first_name = models.CharField(max_length=255, blank=True)
    last_name = models.CharField(max_length=255, blank=True)
    # The names in the form in which they are compared (`core.normalize`).
    first_name_key = models.CharField(max_length=NAME_KEY_MAX, blank=True, default="")
    last_name_key = models.CharField(max_length=NAME_KEY_MAX, blank=True, default="")
    phone = models.CharField(max_length=128, blank=True)
    user_type = models.CharField(max_length=16, default=REGISTERED)
    channel_code = models.CharField(max_length=255, null=True)  # noqa: DJ001 - unique when known
    erp_code = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null on the wire
    gender = models.CharField(max_length=16, null=True)  # noqa: DJ001 - null on the wire
    date_of_birth = models.DateField(null=True)
    email_allowed = models.BooleanField(default=False)
    sms_allowed = models.BooleanField(default=False)
    call_allowed = models.BooleanField(null=True)
    language_code = models.CharField(max_length=16, blank=True)
    attributes = models.JSONField(default=dict)
    attributes_kwargs = models.JSONField(default=dict)
    extra_field = models.JSONField(default=dict)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(db_default=Now())
    modified_date = models.DateTimeField(db_default=Now())

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"

    objects = BaseUserManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user_type__in=["registered", "guest", "pending"]),
                name="known_user_type",
            ),
            models.UniqueConstraint(
                fields=["channel", "email_key"],
                condition=Q(user_type="registered", is_staff=False),
                name="one_registered_customer_per_email",
            ),
            models.UniqueConstraint(
                fields=["channel", "channel_code"],
                condition=Q(channel_code__isnull=False),
                name="one_customer_per_channel_code",
            ),
        ]
        indexes = [
            models.Index(fields=["first_name_key"], name="customers_by_first_name"),
            models.Index(fields=["last_name_key"], name="customers_by_last_name"),
            models.Index(
                fields=["channel", "phone"], condition=~Q(phone=""), name="customers_by_phone"
            ),
            models.Index(
                fields=["date_joined"], condition=Q(user_type="pending"), name="pending_customers"
            ),
        ]

    def __str__(self) -> str:
        return self.username


class Session(AbstractBaseSession):
    """A session with its user as a column, so that one query reads both."""

    user = models.ForeignKey(User, models.CASCADE, null=True)


class ApiKey(models.Model):
    """An API key: only the hash of its secret is stored; `public_id` identifies it."""

    # `admin` changes the settings of a channel and its staff.
    READ, DECIDE, MONEY, PII, ADMIN = "read", "decide", "money", "pii", "admin"
    SCOPES = (READ, DECIDE, MONEY, PII, ADMIN)

    name = models.CharField(max_length=255)
    public_id = models.CharField(max_length=8, unique=True)
    secret_hash = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    channels = models.ManyToManyField(Channel)
    user = models.ForeignKey(User, models.CASCADE, null=True)
    # The first key of a chain of rotations; null for the first key itself.
    original = models.ForeignKey("self", models.SET_NULL, null=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class StaffMember(models.Model):
    """The scopes and channels of a staff user, and of the keys issued at their logins."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="staff")
    scopes = models.JSONField(default=list)
    channels = models.ManyToManyField(Channel)
    totp_encrypted = models.TextField(null=True)  # noqa: DJ001 - null until a second factor is set
    # The time step of the last accepted code: no code is accepted twice.
    totp_step = models.BigIntegerField(null=True)
    # Hashes of the unused recovery codes, which replace a code of the second factor.
    recovery_codes = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"staff {self.pk}"


class OneTimeSecret(models.Model):
    """A secret that is accepted once before it expires: a mailed code, or a sign-in token.

    `key` names its purpose and owner; only the hash of the secret is stored.
    """

    key = models.CharField(max_length=128, primary_key=True)
    secret_hash = models.CharField(max_length=64)
    tries_left = models.SmallIntegerField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(tries_left__gte=0), name="tries_not_negative")
        ]

    def __str__(self) -> str:
        return self.key


class EmailChange(models.Model):
    """A customer's request for another e-mail address, and its confirmation by the mailed link."""

    user = models.ForeignKey(User, models.CASCADE)
    old_email = models.CharField(max_length=254)
    new_email = models.CharField(max_length=254)
    requested_at = models.DateTimeField(db_index=True)
    confirmed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"e-mail change {self.pk}"


class KeyFingerprint(models.Model):
    """A keyed hash of a constant: it identifies a key of the hosts and does not reveal it.

    `name` is SECRET_KEY, or DATA_KEYS and the number of the key.
    """

    name = models.CharField(max_length=80, primary_key=True)
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
