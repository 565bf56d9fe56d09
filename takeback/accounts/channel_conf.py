"""The keys of a channel's `conf` that Takeback reads; channel apps keep keys of their own there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from takeback.accounts.customer_input import EMAIL, PHONE_NUMBER
from takeback.accounts.models import Channel
from takeback.core.ids import id_of

FALLBACK_REASON: Final = "cancellation_reason_id"
REASON_MAPPING: Final = "reason_mapping"
CUSTOMER_IDENTIFIER: Final = "CUSTOMER_IDENTIFIER_FIELD"
# Takeback only checks its type: channel apps read it.
SENDS_SHIPPING_INFO: Final = "send_shipping_info"
KEYS: Final = (FALLBACK_REASON, REASON_MAPPING, CUSTOMER_IDENTIFIER, SENDS_SHIPPING_INFO)

MAX_REASONS = 500
KEY_MAX = 255
ID_MAX = 2**63 - 1

NOT_AN_ID = _("{key}: send the id of a reason, a whole number above 0.")
NOT_A_MAPPING = _(
    "{key}: send an object of at most {max} reasons of the channel, each with the id of one of"
    " our reasons."
)
NOT_AN_IDENTIFIER = _("{key}: send “email” or “phone_number”.")
NOT_A_BOOLEAN = _("{key}: send true or false.")


@dataclass(frozen=True, slots=True)
class ChannelConf:
    """What a channel's `conf` decides."""

    # The reason of requests of the channel that name none, or none of ours; None: they are refused.
    fallback_reason_id: int | None = None
    # Our reason for each reason of the channel.
    reason_mapping: Mapping[str, int] = field(default_factory=dict)
    # What identifies a customer without a code: the e-mail address or the phone number.
    customer_identifier: str = EMAIL


def channel_conf(channel_id: int) -> ChannelConf:
    """The conf of a channel, read now: it is not on a path that needs a cache."""
    rows = Channel.objects.filter(pk=channel_id).values_list("conf", flat=True)
    return conf_of(rows.first() or {})


def conf_of(document: Mapping[str, Any]) -> ChannelConf:
    """The conf in a channel's column; values that were stored without a check count as missing."""
    mapping = document.get(REASON_MAPPING)
    entries = mapping.items() if isinstance(mapping, dict) else ()
    identifier = document.get(CUSTOMER_IDENTIFIER)
    return ChannelConf(
        fallback_reason_id=reason_id(document.get(FALLBACK_REASON)),
        reason_mapping={key: number for key, value in entries if (number := reason_id(value))},
        customer_identifier=PHONE_NUMBER if identifier == PHONE_NUMBER else EMAIL,
    )


def reason_id(value: Any) -> int | None:
    """The id of a reason as a number, or as ASCII digits in a text; None for anything else."""
    number = id_of(value) if isinstance(value, str) else value
    is_id = type(number) is int and 0 < number <= ID_MAX
    return number if is_id else None


def conf_errors(document: Mapping[str, Any]) -> Iterator[str]:
    """Why these values cannot be stored, one sentence per key; null stands for a missing key."""
    sent = {key: value for key, value in document.items() if value is not None}
    if FALLBACK_REASON in sent and reason_id(sent[FALLBACK_REASON]) is None:
        yield str(NOT_AN_ID).format(key=FALLBACK_REASON)
    if REASON_MAPPING in sent and not _is_mapping(sent[REASON_MAPPING]):
        yield str(NOT_A_MAPPING).format(key=REASON_MAPPING, max=MAX_REASONS)
    if sent.get(CUSTOMER_IDENTIFIER, EMAIL) not in (EMAIL, PHONE_NUMBER):
        yield str(NOT_AN_IDENTIFIER).format(key=CUSTOMER_IDENTIFIER)
    if not isinstance(sent.get(SENDS_SHIPPING_INFO, False), bool):
        yield str(NOT_A_BOOLEAN).format(key=SENDS_SHIPPING_INFO)


def _is_mapping(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and len(value) <= MAX_REASONS
        and all(0 < len(key) <= KEY_MAX and reason_id(number) for key, number in value.items())
    )
