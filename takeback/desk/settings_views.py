"""Settings at the desk: the shop with its logo, and the channel."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from takeback.accounts import channel_conf
from takeback.accounts.api_keys import Rights
from takeback.accounts.channels import shop_brand, update_channel
from takeback.accounts.models import ApiKey, Channel, StaffMember
from takeback.accounts.staff_rights import has_all_channels
from takeback.api.channel_settings import settings_errors
from takeback.api.csrf import refuse_forged
from takeback.cancellations.labels import KINDS, subject_in
from takeback.core import clock, errors
from takeback.core.errors import Problem, Refused
from takeback.core.ids import id_from_path
from takeback.desk import queries
from takeback.desk.base import AgentView, SeeOther
from takeback.desk.settings_forms import ChannelForm, SettingsForm, ShopForm
from takeback.images.store import LOGOS, discard_images, store_images

# What a multipart form adds to the file: token, boundaries, headers.
FORM_OVERHEAD_BYTES = 16_384
NO_LOGO = _("Choose a JPEG, PNG, WebP or GIF image.")
LOGO_TOO_LARGE = _("This image is too large (maximum {max} kB).")


class SettingsView(AgentView):
    """Leads to the settings of the agent's first channel."""

    scopes = {"GET": ApiKey.ADMIN, "HEAD": ApiKey.ADMIN}

    def get(self, request: HttpRequest) -> HttpResponse:
        if not self.agent.channels:
            raise Refused(errors.NOT_FOUND)
        return SeeOther(reverse("desk_settings_shop", args=[min(self.agent.channels)]))


class ChannelSettingsView(AgentView):
    """A page of the settings of one of the agent's channels."""

    scopes = {"GET": ApiKey.ADMIN, "HEAD": ApiKey.ADMIN, "POST": ApiKey.ADMIN}
    section = ""
    page = ""

    def require_channel(self) -> int:
        """The channel in the path; one that the agent does not have is not found."""
        channel_id = id_from_path(self.kwargs["channel_id"])
        if channel_id not in self.agent.channels:
            raise Refused(errors.NOT_FOUND)
        return channel_id

    @property
    def channel_id(self) -> int:
        return self.require_channel()

    @cached_property
    def channel(self) -> Channel:
        return Channel.objects.get(pk=self.channel_id)

    @property
    def rights(self) -> Rights:
        """The rights of the agent, in inactive channels, too: they pass on no others."""
        channels = StaffMember.channels.through.objects.filter(staffmember_id=self.agent.id)
        ids = sorted(channels.values_list("channel_id", flat=True))
        return Rights(ids, [scope for scope in ApiKey.SCOPES if scope in self.agent.scopes])

    @property
    def may_change_shared(self) -> bool:
        """Whether the agent may change what all channels share."""
        return has_all_channels(self.rights.channel_ids)

    def url(self, name: str, *args: Any) -> str:
        """The address of a page of this channel's settings."""
        return reverse(f"desk_settings_{name}", args=[self.channel_id, *args])

    def render_settings(self, context: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
        """The page with the navigation of the settings."""
        context = {
            "settings_section": self.section,
            "channel_id": self.channel_id,
            "channel_name": self.agent.channels[self.channel_id],
            "is_saved": "saved" in self.request.GET,
            **context,
        }
        return self.render_page(self.page, context, status=status)

    def render_form(
        self, form: SettingsForm, problem: Problem | None = None, **context: Any
    ) -> HttpResponse:
        """The page with a form, perhaps with a refusal of its values."""
        context = {"form": form, "problem": problem, **context}
        status = problem.status if problem else 400 if form.errors else 200
        return self.render_settings(context, status=status)

    def saved(self, name: str, *args: Any) -> HttpResponse:
        """The way to a page that reports the change."""
        return SeeOther(f"{self.url(name, *args)}?saved")


class ShopView(ChannelSettingsView):
    """Name, storefront and logo of the shop."""

    section, page = "shop", "settings_shop"

    def get(self, request: HttpRequest, channel_id: str) -> HttpResponse:
        channel = self.channel
        initial = {"name": channel.name, "storefront_url": channel.storefront_url}
        return self._render(ShopForm(initial=initial))

    def post(self, request: HttpRequest, channel_id: str) -> HttpResponse:
        form, channel = ShopForm(request.POST), self.channel_id
        if not form.is_valid():
            return self._render(form)
        update_channel(channel, form.cleaned_data, now=clock.now())
        return self.saved("shop")

    def _render(self, form: ShopForm) -> HttpResponse:
        return self.render_form(form, logo_url=shop_brand(self.channel_id).logo_url)


class LogoView(ChannelSettingsView):
    """Takes the logo of the shop, or removes it."""

    section, page = "shop", "settings_shop"

    def check_form(self, request: HttpRequest) -> None:
        """A form with a file is larger than others; its size is checked before it is read."""
        self.require_channel()
        if request.content_type != "multipart/form-data":
            raise Refused(errors.UNSUPPORTED_MEDIA_TYPE)
        length = str(request.META.get("CONTENT_LENGTH") or "0")
        limit = settings.MAX_PICTURE_BYTES + FORM_OVERHEAD_BYTES
        if not length.isdecimal() or int(length) > limit:
            raise Refused(errors.PAYLOAD_TOO_LARGE)
        refuse_forged(request, has_upload=True)

    def request_sign_in(self) -> HttpResponse:
        """The way to the sign-in page; a file is not kept, so it leads back to the form."""
        shop = reverse("desk_settings_shop", args=[self.kwargs["channel_id"]])
        return SeeOther(f"{reverse('desk_login')}?{urlencode({'next': shop})}")

    def get(self, request: HttpRequest, channel_id: str) -> HttpResponse:
        return SeeOther(self.url("shop"))

    def post(self, request: HttpRequest, channel_id: str) -> HttpResponse:
        channel, now = self.channel, clock.now()
        if "remove" in request.POST:
            update_channel(channel.pk, {"logo": ""}, now=now)
        else:
            file = request.FILES.get("logo")
            if file is None:
                return self._render(str(NO_LOGO))
            if (file.size or 0) > settings.MAX_PICTURE_BYTES:
                limit = settings.MAX_PICTURE_BYTES // 1024
                return self._render(str(LOGO_TOO_LARGE).format(max=limit))
            [image] = store_images([file.read()], folder=LOGOS)
            if image is None:
                return self._render(str(NO_LOGO))
            update_channel(channel.pk, {"logo": image.name}, now=now)
        if channel.logo:
            discard_images([channel.logo])
        return self.saved("shop")

    def _render(self, message: str) -> HttpResponse:
        channel = self.channel
        initial = {"name": channel.name, "storefront_url": channel.storefront_url}
        context = {
            "form": ShopForm(initial=initial),
            "message": message,
            "logo_url": shop_brand(channel.pk).logo_url,
        }
        return self.render_settings(context, status=400)


class ChannelView(ChannelSettingsView):
    """What the channel's `conf` decides, and the keys of other systems."""

    section, page = "channel", "settings_channel"

    def get(self, request: HttpRequest, channel_id: str) -> HttpResponse:
        return self._render(ChannelForm(initial=_initial_channel(self.channel)))

    def post(self, request: HttpRequest, channel_id: str) -> HttpResponse:
        form, channel = self._with_choices(ChannelForm(request.POST)), self.channel_id
        if form.is_valid():
            for message in settings_errors(form.conf, channel):
                form.add_error(None, message)
        if not form.is_valid():
            return self._render(form)
        data = form.cleaned_data
        values = {
            "conf": form.conf,
            "schema": data["schema"],
            "catalog": data["catalog"],
            "category_tree": data["category_tree"] or None,
        }
        update_channel(channel, values, now=clock.now())
        return self.saved("channel")

    def _render(self, form: ChannelForm) -> HttpResponse:
        return self.render_form(self._with_choices(form))

    def _with_choices(self, form: ChannelForm) -> ChannelForm:
        language = get_language()
        reasons = queries.offered_reasons(self.channel_id)
        field: Any = form.fields["fallback_reason"]
        field.choices = [
            ("", _("None: the request is refused")),
            *(
                (reason.pk, f"{reason.pk}: {KINDS[reason.cancellation_type]}: {subject}")
                for reason in reasons
                for subject in [subject_in(language, reason.subject, reason.translations)]
            ),
        ]
        return form


def _initial_channel(channel: Channel) -> dict[str, Any]:
    conf = channel_conf.conf_of(channel.conf)
    others = {key: value for key, value in channel.conf.items() if key not in channel_conf.KEYS}
    mapping = conf.reason_mapping.items()
    return {
        "fallback_reason": conf.fallback_reason_id,
        "reason_mapping": "\n".join(f"{name} = {number}" for name, number in mapping),
        "customer_identifier": conf.customer_identifier,
        "send_shipping_info": channel.conf.get(channel_conf.SENDS_SHIPPING_INFO) is True,
        "catalog": channel.catalog,
        "category_tree": channel.category_tree or "",
        "other_conf": _json_text(others),
        "schema": _json_text(channel.schema),
    }


def _json_text(value: Mapping[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() if value else ""
