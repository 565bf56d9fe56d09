"""Settings at the desk: what the shop offers its shoppers, reasons and carriers."""

from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language

from takeback.cancellations.commands.reasons import add_reason, change_reason
from takeback.cancellations.labels import KINDS, subject_in
from takeback.cancellations.models import CancellationReason
from takeback.core import clock, errors
from takeback.core.errors import Refused
from takeback.core.ids import id_from_path
from takeback.desk.settings_forms import LANGUAGES, CarrierForm, ReasonForm
from takeback.desk.settings_views import ChannelSettingsView
from takeback.logistics.commands.carriers import add_carrier, change_carrier
from takeback.logistics.models import EasyReturnShippingCompany

FIRST_POSITION = 100


class ReasonListView(ChannelSettingsView):
    """The reasons that the channel offers, also inactive ones."""

    section, page = "reasons", "settings_reasons"

    def get(self, request: HttpRequest, channel_id: str) -> HttpResponse:
        language = get_language()
        reasons = [
            {
                "row": reason,
                "kind": KINDS[reason.cancellation_type],
                "subject": subject_in(language, reason.subject, reason.translations),
            }
            for reason in _reasons(self.channel_id).order_by("order", "id")
        ]
        return self.render_settings({"reasons": reasons})


def _reasons(channel_id: int) -> "QuerySet[CancellationReason]":
    return CancellationReason.objects.filter(Q(channel_id=channel_id) | Q(channel_id=None))


class NewReasonView(ChannelSettingsView):
    """Adds a reason of this channel."""

    section, page = "reasons", "settings_reason"

    def get(self, request: HttpRequest, channel_id: str) -> HttpResponse:
        initial = {"kind": request.GET.get("kind"), "order": FIRST_POSITION, "is_active": True}
        return self.render_form(ReasonForm(initial=initial))

    def post(self, request: HttpRequest, channel_id: str) -> HttpResponse:
        form, channel = ReasonForm(request.POST), self.channel_id
        if not form.is_valid():
            return self.render_form(form)
        add_reason(channel, _reason_columns(form, {}), now=clock.now())
        return self.saved("reasons")


class ReasonView(ChannelSettingsView):
    """One reason; one that all channels share can be changed by agents of all channels."""

    section, page = "reasons", "settings_reason"

    def get(self, request: HttpRequest, channel_id: str, pk: str) -> HttpResponse:
        reason = self._reason()
        initial = {
            "kind": reason.cancellation_type,
            "order": reason.order,
            "extra_information_needed": reason.extra_information_needed,
            "is_active": reason.is_active,
            f"subject_{_site_language()}": reason.subject,
        }
        for code in LANGUAGES:
            if code in reason.translations:
                initial[f"subject_{code}"] = reason.translations[code]["subject"]
        return self.render_form(ReasonForm(initial=initial), reason=reason)

    def post(self, request: HttpRequest, channel_id: str, pk: str) -> HttpResponse:
        reason, form = self._reason(), ReasonForm(request.POST)
        if not form.is_valid():
            return self.render_form(form, reason=reason)
        columns = _reason_columns(form, reason.translations)
        try:
            change_reason(
                self.channel_id,
                reason.pk,
                columns,
                now=clock.now(),
                may_change_shared=self.may_change_shared,
            )
        except Refused as refused:
            return self.render_form(form, refused.problem, reason=reason)
        return self.saved("reasons")

    def _reason(self) -> CancellationReason:
        reasons = _reasons(self.channel_id).filter(pk=id_from_path(self.kwargs["pk"]))
        reason = reasons.first()
        if reason is None:
            raise Refused(errors.NOT_FOUND)
        return reason


def _reason_columns(form: ReasonForm, stored: dict[str, Any]) -> dict[str, Any]:
    """The columns of a valid form; languages that it does not have keep their stored subject."""
    data = form.cleaned_data
    subjects = {code: text for code in LANGUAGES if (text := data[f"subject_{code}"])}
    others = {code: value for code, value in stored.items() if code not in LANGUAGES}
    return {
        "cancellation_type": data["kind"],
        "subject": subjects.get(_site_language()) or next(iter(subjects.values())),
        "translations": others | {code: {"subject": text} for code, text in subjects.items()},
        "order": data["order"],
        "extra_information_needed": data["extra_information_needed"],
        "is_active": data["is_active"],
    }


def _site_language() -> str:
    return settings.LANGUAGE_CODE.partition("-")[0]


class CarrierListView(ChannelSettingsView):
    """The carriers that the channel offers, also inactive ones."""

    section, page = "carriers", "settings_carriers"

    def get(self, request: HttpRequest, channel_id: str) -> HttpResponse:
        return self.render_settings({"carriers": _carriers(self.channel_id).order_by("id")})


def _carriers(channel_id: int) -> "QuerySet[EasyReturnShippingCompany]":
    return EasyReturnShippingCompany.objects.filter(Q(channel_id=channel_id) | Q(channel_id=None))


class NewCarrierView(ChannelSettingsView):
    """Adds a carrier of this channel."""

    section, page = "carriers", "settings_carrier"

    def get(self, request: HttpRequest, channel_id: str) -> HttpResponse:
        return self.render_form(
            CarrierForm(initial={"is_user_selectable": True, "is_active": True})
        )

    def post(self, request: HttpRequest, channel_id: str) -> HttpResponse:
        form, channel = CarrierForm(request.POST), self.channel_id
        if not form.is_valid():
            return self.render_form(form)
        add_carrier(channel, _carrier_columns(form), now=clock.now())
        return self.saved("carriers")


class CarrierView(ChannelSettingsView):
    """One carrier; one that all channels share can be changed by agents of all channels."""

    section, page = "carriers", "settings_carrier"

    def get(self, request: HttpRequest, channel_id: str, pk: str) -> HttpResponse:
        carrier = self._carrier()
        initial = {
            "name": carrier.name,
            "carrier": carrier.carrier,
            "carrier_label": carrier.carrier_label,
            "countries": ", ".join(carrier.countries),
            "categories": "\n".join(carrier.categories),
            "needs_pickup": carrier.needs_pickup,
            "is_user_selectable": carrier.is_user_selectable,
            "is_active": carrier.is_active,
        }
        return self.render_form(CarrierForm(initial=initial), carrier=carrier)

    def post(self, request: HttpRequest, channel_id: str, pk: str) -> HttpResponse:
        carrier, form = self._carrier(), CarrierForm(request.POST)
        if not form.is_valid():
            return self.render_form(form, carrier=carrier)
        try:
            change_carrier(
                self.channel_id,
                carrier.pk,
                _carrier_columns(form),
                now=clock.now(),
                may_change_shared=self.may_change_shared,
            )
        except Refused as refused:
            return self.render_form(form, refused.problem, carrier=carrier)
        return self.saved("carriers")

    def _carrier(self) -> EasyReturnShippingCompany:
        carriers = _carriers(self.channel_id).filter(pk=id_from_path(self.kwargs["pk"]))
        carrier = carriers.first()
        if carrier is None:
            raise Refused(errors.NOT_FOUND)
        return carrier


def _carrier_columns(form: CarrierForm) -> dict[str, Any]:
    data = form.cleaned_data
    return {**data, "carrier_label": data["carrier_label"] or data["name"]}
