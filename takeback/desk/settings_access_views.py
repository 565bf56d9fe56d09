"""Settings at the desk: who has access, staff and API keys."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from takeback.accounts.api_keys import Rights
from takeback.accounts.models import ApiKey, Channel, StaffMember
from takeback.accounts.staff_rights import (
    MemberChange,
    add_key,
    add_member,
    change_member,
    remove_key,
)
from takeback.core import clock, errors
from takeback.core.errors import Refused
from takeback.core.ids import id_from_path
from takeback.desk.settings_forms import AccessForm, KeyForm, MemberForm, NewMemberForm
from takeback.desk.settings_views import ChannelSettingsView

MAX_KEYS = 200


class AccessView(ChannelSettingsView):
    """Offers the scopes and channels of the agent."""

    def offer(self, form: AccessForm) -> Any:
        """The form with the choices of the agent."""
        rights = self.rights
        channels = Channel.objects.filter(pk__in=rights.channel_ids).order_by("pk")
        form.offer(rights.scopes, dict(channels.values_list("pk", "name")))
        return form

    def chosen_rights(self, data: Mapping[str, Any]) -> Rights:
        """The rights in a valid form."""
        scopes = [scope for scope in ApiKey.SCOPES if scope in data["scopes"]]
        return Rights(sorted(map(int, data["channels"])), scopes)

    def render_secret(self, page: str, **context: Any) -> HttpResponse:
        """A page with a password or key that is shown once, and stored by no cache."""
        self.page = page
        response = self.render_settings(context)
        response["Cache-Control"] = "no-store"
        return response


class StaffListView(AccessView):
    """The staff of the channel, also those who cannot sign in."""

    section, page = "staff", "settings_staff"

    def get(self, request: HttpRequest, channel_id: str) -> HttpResponse:
        members = _staff(self.channel_id).order_by("-user__is_active", "user__username")
        return self.render_settings({"members": members})


def _staff(channel_id: int) -> "QuerySet[StaffMember]":
    members = StaffMember.objects.filter(channels=channel_id)
    return members.select_related("user").prefetch_related("channels")


class NewStaffView(AccessView):
    """Adds a staff user and shows the password once."""

    section, page = "staff", "settings_new_member"

    def get(self, request: HttpRequest, channel_id: str) -> HttpResponse:
        initial = {"scopes": [ApiKey.READ, ApiKey.DECIDE], "channels": [str(self.channel_id)]}
        return self.render_form(self.offer(NewMemberForm(initial=initial)))

    def post(self, request: HttpRequest, channel_id: str) -> HttpResponse:
        form = self.offer(NewMemberForm(request.POST))
        if not form.is_valid():
            return self.render_form(form)
        data = form.cleaned_data
        try:
            member = add_member(
                data["username"],
                self.chosen_rights(data),
                by=self.rights,
                email=data["email"],
                name=(data["first_name"], data["last_name"]),
            )
        except Refused as refused:
            if refused.problem.field is None:
                return self.render_form(form, refused.problem)
            form.add_error(refused.problem.field, str(refused.problem.message))
            return self.render_form(form)
        return self.render_secret(
            "settings_password", username=data["username"], password=member.password
        )


class StaffView(AccessView):
    """One staff user: rights, a new password, and the second factor."""

    section, page = "staff", "settings_member"

    def get(self, request: HttpRequest, channel_id: str, pk: str) -> HttpResponse:
        member = self._member()
        user = member.user
        initial = {
            "email": user.email,
            "first_name": user.first_name,
            "last_name": user.last_name,
            "is_active": user.is_active,
            "scopes": member.scopes,
            "channels": [str(channel.pk) for channel in member.channels.all()],
        }
        return self.render_form(self.offer(MemberForm(initial=initial)), member=member)

    def post(self, request: HttpRequest, channel_id: str, pk: str) -> HttpResponse:
        member, form = self._member(), self.offer(MemberForm(request.POST))
        change = _ACTIONS.get(request.POST.get("action", ""))
        if change is None:
            if not form.is_valid():
                return self.render_form(form, member=member)
            change = self._change(form.cleaned_data)
        try:
            password = change_member(
                member.pk, self.channel_id, change, by=self.rights, now=clock.now()
            )
        except Refused as refused:
            return self.render_form(form, refused.problem, member=member)
        if password:
            return self.render_secret(
                "settings_password", username=member.user.username, password=password
            )
        return self.saved("staff")

    def _change(self, data: Mapping[str, Any]) -> MemberChange:
        rights = self.chosen_rights(data)
        return MemberChange(
            scopes=rights.scopes,
            channel_ids=rights.channel_ids,
            email=data["email"],
            first_name=data["first_name"],
            last_name=data["last_name"],
            is_active=data["is_active"],
        )

    def _member(self) -> StaffMember:
        member = _staff(self.channel_id).filter(pk=id_from_path(self.kwargs["pk"])).first()
        if member is None:
            raise Refused(errors.NOT_FOUND)
        return member


_ACTIONS = {
    "new-password": MemberChange(has_new_password=True),
    "clear-second-factor": MemberChange(without_totp=True),
}
"""Buttons that change nothing but this."""


class KeyListView(AccessView):
    """The API keys of the channel: issues one and shows its text once, and revokes one."""

    section, page = "keys", "settings_keys"

    def get(self, request: HttpRequest, channel_id: str) -> HttpResponse:
        initial = {"scopes": [ApiKey.READ], "channels": [str(self.channel_id)]}
        return self._render(KeyForm(initial=initial))

    def post(self, request: HttpRequest, channel_id: str) -> HttpResponse:
        now, public_id = clock.now(), request.POST.get("revoke", "")
        if public_id:
            remove_key(public_id, self.channel_id, by=self.rights, now=now)
            return self.saved("keys")
        form = self.offer(KeyForm(request.POST))
        if not form.is_valid():
            return self._render(form)
        data = form.cleaned_data
        key = add_key(data["name"], self.chosen_rights(data), by=self.rights, now=now)
        return self.render_secret("settings_key", name=data["name"], key=key.text)

    def _render(self, form: KeyForm) -> HttpResponse:
        now = clock.now()
        keys = ApiKey.objects.filter(channels=self.channel_id, user=None, revoked_at=None)
        keys = keys.exclude(expires_at__lte=now).prefetch_related("channels").order_by("-pk")
        return self.render_form(self.offer(form), keys=keys[:MAX_KEYS])
