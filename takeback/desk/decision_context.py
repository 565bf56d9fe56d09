"""What an agent sees before deciding: amount, rules, warnings, and what each button does."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import get_language_info, gettext_lazy
from django.utils.translation import gettext as _

from takeback.accounts.policy import shop_zone
from takeback.bank_accounts.bank_account import bank_account_of
from takeback.cancellations.amounts import refundable_amounts
from takeback.cancellations.decision import overridden_codes, rule_results
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.shipment import is_shipped_meanwhile
from takeback.cancellations.statuses import LIFE_CYCLE, CaseEvent, Status, Transition
from takeback.core import clock
from takeback.core.formatting import format_amount
from takeback.core.normalize import name_key
from takeback.desk.queries import StepRow
from takeback.desk.refund_preview import preview_context
from takeback.desk.rule_results import rule_sentences, rules_summary
from takeback.notifications.mails import Mail, approved_mail, language_of, rejected_mail


class Button(NamedTuple):
    """A decision, its label, its key, and what happens when it is pressed."""

    step: str
    label: str | Promise
    key: str
    effect: str


LABELS: Final[dict[str, tuple[Promise, str]]] = {
    Transition.APPROVE.value: (gettext_lazy("Approve refund"), "a"),
    Transition.CONFIRM.value: (gettext_lazy("Accept request"), "c"),
    Transition.REVIEW.value: (gettext_lazy("Escalate"), "v"),
    CaseEvent.INTO_RETURN.value: (gettext_lazy("Turn into a return"), "t"),
    Transition.REJECT.value: (gettext_lazy("Reject"), "r"),
}
_TRANSITIONS = [name for name in LABELS if name != CaseEvent.INTO_RETURN]


def possible_transitions(case: CancellationRequest) -> list[str]:
    """The transitions that the case's status allows; approving an unconfirmed case confirms it.

    A cancellation of goods that were shipped meanwhile becomes a return, or is rejected.
    """
    if is_shipped_meanwhile(case):
        return [CaseEvent.INTO_RETURN.value, Transition.REJECT.value]
    status = Status(case.status)
    can_confirm = LIFE_CYCLE.allows(status, Transition.CONFIRM)
    return [
        name
        for name in _TRANSITIONS
        if LIFE_CYCLE.allows(status, Transition(name))
        or (name == Transition.APPROVE and can_confirm)
    ]


def decision_context(
    case: CancellationRequest,
    transitions: Sequence[str],
    steps: Sequence[StepRow],
    *,
    has_shared_account: bool,
) -> dict[str, Any]:
    """The decision box of a case; empty when nothing is left to decide."""
    if not transitions:
        return {}
    rules = rule_sentences(rule_results(case, overridden_codes(steps)))
    broken = [rule for rule in rules if not rule.is_fulfilled]
    amount = format_amount(refundable_amounts(case).goods, case.order_item.order.currency)
    can_approve = Transition.APPROVE.value in transitions
    return {
        "rules": rules,
        "broken_rules": broken,
        "rules_summary": rules_summary(len(broken), len(rules)),
        "preview": preview_context(case, _today()) if can_approve else None,
        "needs_override": any(r.is_overridable and not r.is_overridden for r in broken),
        "warnings": warnings(case, has_shared_account=has_shared_account),
        "buttons": [
            Button(step, *LABELS[step], effect=effect(case, step, amount)) for step in transitions
        ],
    }


def _today() -> date:
    """The day in the time zone of the shop."""
    return clock.now().astimezone(shop_zone()).date()


def effect(case: CancellationRequest, step: str, amount: str) -> str:
    """What happens next when an agent takes a step."""
    if step == Transition.CONFIRM:
        return _(
            "The item is reserved and a refund of %(amount)s is planned. Nothing is paid yet."
        ) % {"amount": amount}
    if step == Transition.REVIEW:
        return _("Another agent decides. Nothing is reserved or paid.")
    if step == CaseEvent.INTO_RETURN:
        return _("The request becomes a return and waits for a decision. No mail is sent.")
    if step == Transition.REJECT:
        return _("The request ends and nothing is paid. The customer is mailed your message.")
    if case.iban_index and not case.is_bank_account_confirmed:
        sentence = _(
            "A refund of %(amount)s is approved; the money waits until the bank account is"
            " verified. The customer is mailed."
        )
    else:
        sentence = _("A refund of %(amount)s is approved for payment. The customer is mailed.")
    return sentence % {"amount": amount}


def warnings(case: CancellationRequest, *, has_shared_account: bool) -> list[str]:
    """What an agent should look at before money is promised."""
    messages = _refunds_elsewhere(case)
    account, user = bank_account_of(case), case.order_item.order.user
    if account is None:
        return messages
    if not case.is_bank_account_confirmed:
        messages.append(_("The bank account is not verified."))
    if names_differ(account.holder_name, f"{user.first_name} {user.last_name}"):
        messages.append(_("The name of the account holder differs from the customer's name."))
    if has_shared_account:
        messages.append(_("Another customer uses the same bank account."))
    return messages


def _refunds_elsewhere(case: CancellationRequest) -> list[str]:
    """What other systems refunded of the order and of the item."""
    item, messages = case.order_item, []
    order, units = item.order, item.refunded_elsewhere_quantity
    if order.refunded_elsewhere_minor:
        sentence = _("Other systems have refunded %(amount)s of the %(total)s of this order.")
        messages.append(
            sentence
            % {
                "amount": format_amount(order.refunded_elsewhere_minor, order.currency),
                "total": format_amount(order.amount_minor + order.interest_minor, order.currency),
            }
        )
    if units:
        sentence = _(
            "Other systems have refunded %(units)s of the %(quantity)s units of this item."
        )
        messages.append(sentence % {"units": units, "quantity": item.quantity})
    return messages


def names_differ(holder: str, customer: str) -> bool:
    """Whether neither name holds all words of the other one; an unknown name does not differ."""
    holder_words, customer_words = _words(holder), _words(customer)
    if not (holder_words and customer_words):
        return False
    return not (holder_words <= customer_words or customer_words <= holder_words)


def _words(name: str) -> set[str]:
    return {name_key(word) for word in name.replace("-", " ").replace(",", " ").split()}


def language_name(case: CancellationRequest) -> str:
    """The name of the language in which the customer is mailed, in the reader's language."""
    return str(get_language_info(language_of(case))["name_translated"])


def previews(
    case: CancellationRequest, transitions: Sequence[str], message: str | None
) -> list[tuple[str | Promise, Mail]]:
    """The mails that a message would be a part of, each with the button that sends it."""
    mails = {
        Transition.APPROVE.value: approved_mail(case, message, is_preview=True),
        Transition.REJECT.value: rejected_mail(case, message),
    }
    return [(LABELS[step][0], mail) for step, mail in mails.items() if step in transitions]
