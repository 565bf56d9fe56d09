"""The staff of a channel: their scopes and channels, for keys with the scope admin."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypedDict

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.api_keys import Rights
from takeback.accounts.models import ApiKey, StaffMember
from takeback.accounts.staff_rights import MemberChange, add_member, change_member
from takeback.api.channel_settings import known_scopes
from takeback.api.fields import StrictBoolean, StrictEmail, StrictInteger, StrictText
from takeback.api.openapi import Operation, PageOf
from takeback.channel.auth import path_id
from takeback.channel.base import ChannelListView, ChannelView, row_or_404, validated
from takeback.channel.filters import Filter, Flag, equal
from takeback.channel.openapi import SETTINGS
from takeback.core import clock

MAX_CHANNELS = 1000


class StaffDocument(TypedDict):
    """A member of staff; `channels` holds those of the key. A password is shown only once."""

    pk: int
    id: int
    username: str
    email: str
    first_name: str
    last_name: str
    scopes: list[str]
    channels: list[int]
    is_active: bool
    has_second_factor: bool
    date_joined: datetime
    modified_date: datetime


class StaffWithPassword(StaffDocument, total=False):
    """A member of staff, with the generated password in the response that generates it."""

    password: str


class _StaffTerms(serializers.Serializer[Any]):
    """The keys of new and of changed members of staff; other keys are ignored."""

    email = StrictEmail(required=False, allow_blank=True)
    first_name = StrictText(max_length=255, required=False, allow_blank=True)
    last_name = StrictText(max_length=255, required=False, allow_blank=True)
    channels = serializers.ListField(
        child=StrictInteger(), required=False, allow_empty=False, max_length=MAX_CHANNELS
    )


class NewStaff(_StaffTerms):
    """A new member of staff, by default of the channel in the path. The password is generated."""

    example = {
        "username": "ada",
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "Demir",
        "scopes": ["read", "decide"],
    }

    username = StrictText(max_length=150)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=ApiKey.SCOPES), allow_empty=False
    )


class ChangedStaff(_StaffTerms):
    """New values; `new_password` generates one, `clear_second_factor` removes the second factor."""

    example = {"scopes": ["read"], "is_active": True}

    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=ApiKey.SCOPES), required=False, allow_empty=False
    )
    is_active = StrictBoolean(required=False)
    new_password = StrictBoolean(required=False)
    clear_second_factor = StrictBoolean(required=False)


class BaseStaffView(ChannelView):
    """Responds with a member of staff; changes need the scope admin."""

    scopes = ChannelView.ADMIN_CHANGES

    @property
    def staff(self) -> "QuerySet[StaffMember]":
        """The staff of the channel in the path."""
        members = StaffMember.objects.filter(channels=self.client.channel_id)
        return members.select_related("user").prefetch_related("channels")

    def respond_changed(self, user_id: int, password: str | None, status: int = 200) -> Response:
        """The member as they are now, perhaps in other channels of the key only."""
        members = StaffMember.objects.select_related("user").prefetch_related("channels")
        [document] = self.documents([members.get(pk=user_id)])
        if password:
            document["password"] = password
        return Response(document, status=status)

    def documents(self, members: Iterable[StaffMember]) -> list[StaffWithPassword]:
        """The documents of these members."""
        own = {*self.key_rights.channel_ids}
        return [_staff_document(member, own) for member in members]


def _staff_document(member: StaffMember, own_channels: set[int]) -> StaffWithPassword:
    user = member.user
    return {
        "pk": user.pk,
        "id": user.pk,
        "username": user.username,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "scopes": member.scopes,
        "channels": sorted(row.pk for row in member.channels.all() if row.pk in own_channels),
        "is_active": user.is_active,
        "has_second_factor": member.totp_encrypted is not None,
        "date_joined": user.date_joined,
        "modified_date": user.modified_date,
    }


class StaffList(ChannelListView, BaseStaffView):
    """The staff of the channel, in the order in which they were added; POST adds a member."""

    filters = {"is_active": Filter(Flag(required=False), equal("user__is_active"))}
    ordering = ("user_id",)
    operations = {
        "get": Operation(
            "channel_staff",
            SETTINGS,
            PageOf(StaffDocument),
            summary="List staff.",
        ),
        "post": Operation(
            "channel_staff_add",
            SETTINGS,
            StaffWithPassword,
            request=NewStaff,
            status=201,
            summary="Add a member of staff.",
        ),
    }

    def queryset(self) -> "QuerySet[Any, Any]":
        return self.staff

    def to_documents(self, rows: list[Any]) -> list[Any]:
        return self.documents(rows)

    def post(self, request: Request, channel_id: str) -> Response:
        """Not stored for an `Idempotency-Key`: the response holds a password."""
        data = validated(NewStaff, self.body)
        channels = data.get("channels") or [self.client.channel_id]
        member = add_member(
            data["username"],
            Rights(sorted(set(channels)), known_scopes(data["scopes"])),
            by=self.key_rights,
            email=data.get("email", ""),
            name=(data.get("first_name", ""), data.get("last_name", "")),
        )
        return self.respond_changed(member.id, member.password, status=201)


class StaffView(BaseStaffView):
    """One member of staff; DELETE deactivates the account."""

    operations = {
        "get": Operation(
            "channel_staff_member",
            SETTINGS,
            StaffDocument,
            summary="Read a member of staff.",
        ),
        "put": Operation(
            "channel_staff_member_put",
            SETTINGS,
            StaffWithPassword,
            request=ChangedStaff,
            summary="Change a member of staff.",
        ),
        "patch": Operation(
            "channel_staff_member_patch",
            SETTINGS,
            StaffWithPassword,
            request=ChangedStaff,
            summary="Change fields of a member of staff.",
        ),
        "delete": Operation(
            "channel_staff_member_remove",
            SETTINGS,
            status=204,
            summary="Deactivate a member of staff.",
        ),
    }

    def get(self, request: Request, channel_id: str, pk: str) -> Response:
        member = row_or_404(self.staff.filter(pk=path_id(pk)).first())
        return Response(self.documents([member])[0])

    def put(self, request: Request, channel_id: str, pk: str) -> Response:
        data = validated(ChangedStaff, self.optional_body)
        scopes = data.get("scopes")
        change = MemberChange(
            scopes=None if scopes is None else known_scopes(scopes),
            channel_ids=data.get("channels"),
            email=data.get("email"),
            first_name=data.get("first_name"),
            last_name=data.get("last_name"),
            is_active=data.get("is_active"),
            has_new_password=data.get("new_password", False),
            without_totp=data.get("clear_second_factor", False),
        )
        password = self._change(path_id(pk), change)
        return self.respond_changed(path_id(pk), password)

    patch = put

    def delete(self, request: Request, channel_id: str, pk: str) -> Response:
        """Deactivates the account; the history keeps the name."""
        self._change(path_id(pk), MemberChange(is_active=False))
        return Response(status=204)

    def _change(self, user_id: int, change: MemberChange) -> str | None:
        channel_id = self.client.channel_id
        return change_member(user_id, channel_id, change, by=self.key_rights, now=clock.now())
