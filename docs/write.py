"""Writes the reference pages that are made from the code: `python docs/write.py`."""

import inspect
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

import django
import typer
from django.conf import settings
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from datetime import timedelta

    from takeback.core.errors import Problem
    from takeback.refunds.providers import Capabilities

PAGES = Path(__file__).parent / "reference"


def settings_page() -> str:
    """Every setting with its default and its sentence."""
    from takeback.core.env import DECLARED

    lines = [
        "# Settings",
        "",
        "All are environment variables. The defaults suit an evaluation on one machine. A secret",
        "can be read from a file: `SECRET_KEY_FILE=/run/secrets/key` replaces `SECRET_KEY`.",
        "",
        "A value that is not allowed ends every command with 2 and names the setting.",
        "",
        "| name | default | what it does | allowed |",
        "|---|---|---|---|",
    ]
    for setting in DECLARED.values():
        default = setting.default
        shown = ", ".join(default) if isinstance(default, list) else default
        cells = [f"`{setting.name}`", _cell(shown), setting.sentence, setting.allowed]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(default: object) -> str:
    if default in ("", {}):
        return ""
    text = "on" if default is True else "off" if default is False else str(default)
    return f"`{text.replace(str(settings.DATA_DIR), 'DATA_DIR')}`"


def commands_page() -> str:
    """Every command with its arguments and options, as the program prints them."""
    from takeback.cli.main import app

    lines = [
        "# Commands",
        "",
        "`takeback --help` and `takeback COMMAND --help` show the same. A command exits with 0",
        "when it is done, with 1 when it has found a problem or done nothing, and with 2 when an",
        "argument or a setting is wrong.",
        "",
    ]
    program = typer.main.get_command(app)
    assert isinstance(program, TyperGroup)
    panel = ""
    for name, command in _commands(program):
        if command.rich_help_panel and str(command.rich_help_panel) != panel:
            panel = str(command.rich_help_panel)
            lines += [f"## {panel}", ""]
        lines += [f"### takeback {name}", "", *_command_text(command)]
    return "\n".join(lines).rstrip() + "\n"


def _commands(group: TyperGroup, prefix: str = "") -> Iterator[tuple[str, TyperCommand]]:
    """The commands by name; those of a nested group follow in its place."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            nested = _commands(command, f"{prefix}{name} ")
            for full_name, inner in nested:
                inner.rich_help_panel = command.rich_help_panel
                yield full_name, inner
        elif isinstance(command, TyperCommand):
            yield f"{prefix}{name}", command


def _command_text(command: TyperCommand) -> Iterator[str]:
    yield inspect.cleandoc(command.help or "")
    yield ""
    rows = [_parameter(parameter) for parameter in command.params if parameter.name != "help"]
    if rows:
        yield from ("| | | default |", "|---|---|---|", *rows, "")


def _parameter(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = str(parameter.name).upper()
    else:
        value = "" if parameter.is_flag else f" {parameter.metavar or 'VALUE'}"
        name = f"{', '.join([*parameter.opts, *parameter.secondary_opts])}{value}"
    is_empty = parameter.default in (None, "", False) or not isinstance(
        parameter.default, str | int | Path
    )
    default = "" if is_empty else f"`{parameter.default}`"
    return f"| `{name}` | {parameter.help or ''} | {default} |"


def errors_page() -> str:
    """Every refusal: its code, status and sentence."""
    from takeback.accounts import errors as accounts
    from takeback.cancellations import errors as cancellation
    from takeback.cancellations.policy import RULES
    from takeback.channel import errors as channel
    from takeback.channel_sync import errors as channel_sync
    from takeback.core import errors as core
    from takeback.idempotency import errors as idempotency
    from takeback.logistics import errors as logistics
    from takeback.loyalty import errors as loyalty
    from takeback.orders import errors as orders
    from takeback.refunds import account_errors as refund_control
    from takeback.refunds import errors as refunds
    from takeback.shoppers import guest_lookup as shoppers

    overridable = [
        problem for rule in RULES if rule.overridable for problem in _problems_of(rule.check)
    ]
    lines = [
        "# Refusals",
        "",
        "A rule's refusal is `non_field_errors` and `error_code` on the storefront, with the",
        "status given here in the classic dialect and 400 in v3. All others are `detail` and",
        "`code`. Codes never change; sentences are in the caller's language.",
        "",
        "| code | status | sentence | staff may override |",
        "|---|---|---|---|",
    ]
    for room in (
        core,
        idempotency,
        shoppers,
        cancellation,
        logistics,
        loyalty,
        accounts,
        orders,
        channel,
        channel_sync,
        refunds,
        refund_control,
    ):
        for problem in vars(room).values():
            if isinstance(problem, core.Problem):
                override = "yes" if problem in overridable else ""
                lines.append(
                    f"| `{problem.code}` | {problem.status} | {problem.message} | {override} |"
                )
    return "\n".join(lines) + "\n"


def life_cycle_page() -> str:
    """The life cycle of a case, as a diagram and as a table, and those of its plan and refunds."""
    from takeback.cancellations.statuses import LIFE_CYCLE, PLAN_LIFE_CYCLE, SHOWN
    from takeback.refunds.statuses import LIFE_CYCLE as REFUND_LIFE_CYCLE

    lines = [
        "# The life of a case",
        "",
        "A case is one cancellation request. Final statuses have no transitions, and an item has",
        "at most one case that has not ended.",
        "",
        "```mermaid",
        LIFE_CYCLE.mermaid(),
        "```",
        "",
        "| from | event | to | the shopper sees |",
        "|---|---|---|---|",
    ]
    for source, event, target in LIFE_CYCLE.transitions():
        lines.append(f"| `{source}` | {event} | `{target}` | `{SHOWN[target]}` |")
    lines += [
        "",
        "A confirmed case joins the waiting plan of its order, or a new plan. A plan follows its",
        "cases: it is approved with its last case, and rejected when it has no case left. An",
        "approved plan is paid back. The last confirmed refund completes it with its cases; a plan",
        "worth nothing completes at once.",
        "",
        "```mermaid",
        PLAN_LIFE_CYCLE.mermaid(),
        "```",
        "",
        "A refund pays a part of a plan back. While its result is in doubt, the provider's state",
        "decides: a request is repeated under its key only if two states lack the refund.",
        "",
        "```mermaid",
        REFUND_LIFE_CYCLE.mermaid(),
        "```",
    ]
    return "\n".join(lines) + "\n"


def rules_page() -> str:
    """The rules for new cases in the order of their precedence."""
    from takeback.cancellations.policy import ITEM_RULES, RULES

    lines = [
        "# Rules",
        "",
        "A new case must pass the rules for its kind from top to bottom. The first failing rule is",
        "the response. Before them, `unknown_item` refuses an item that does not exist. Lists show",
        'the results of the rules marked "on lists" in `is_cancellable` and `is_refundable`.',
        "",
        "| rule | kind | why | code | on lists | staff may override |",
        "|---|---|---|---|---|---|",
    ]
    for rule in RULES:
        name = rule.check.__name__.replace("_", " ")
        kinds = ", ".join(rule.kinds)
        on_lists = "yes" if rule in ITEM_RULES else ""
        override = "yes" if rule.overridable else ""
        for problem in _problems_of(rule.check):
            cells = [name, kinds, rule.check.__doc__, f"`{problem.code}`", on_lists, override]
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def holds_page() -> str:
    """The rules that hold refunds back, and those for a second person."""
    from takeback.refunds.policy import ALWAYS_ON, RULES, SECOND_PERSON_RULES

    lines = [
        "# Held refunds",
        "",
        "Before each request the rules are checked from top to bottom. The first one that does not",
        "hold is the reason why the refund stays planned. A request that is repeated under its key",
        "moves no other money, so only some rules apply to it.",
        "",
        "| reason | rule | why | repetitions, too |",
        "|---|---|---|---|",
    ]
    for rule in RULES:
        name = rule.check.__name__.replace("_", " ")
        repeated = "yes" if rule.is_for_repetitions else ""
        lines.append(f"| `{rule.hold}` | {name} | {rule.check.__doc__} | {repeated} |")
    lines += [
        "",
        "A refund needs a second person for these reasons:",
        "",
        "| reason | why | setting |",
        "|---|---|---|",
    ]
    for reason, applies in SECOND_PERSON_RULES.items():
        setting = "SECOND_PERSON_ABOVE" if reason in ALWAYS_ON else "SECOND_PERSON_FOR"
        lines.append(f"| `{reason}` | {applies.__doc__} | `{setting}` |")
    return "\n".join(lines) + "\n"


def _problems_of(check: "Callable[..., Problem | None]") -> "list[Problem]":
    """The problems that a rule refers to: its code names them."""
    from takeback.cancellations import errors
    from takeback.core.errors import Problem

    assert isinstance(check, FunctionType)
    named = (vars(errors).get(name) for name in check.__code__.co_names)
    return [problem for problem in named if isinstance(problem, Problem)]


def providers_page() -> str:
    """The capability table of payment providers, and the failures of the sandbox."""
    from takeback.refund_providers.capabilities import CAPABILITIES
    from takeback.refund_providers.sandbox_server.failures import Failure, Target, fits

    lines = [
        "# Payment providers",
        "",
        "What each provider can do. Names are those of `provider` in a payment account. A duration",
        "is the longest time for which the provider keeps its promise.",
        "",
        "| | " + " | ".join(f"`{name}`" for name in CAPABILITIES) + " |",
        "|---|" + "---|" * len(CAPABILITIES),
    ]
    for question, cell in _CAPABILITY_ROWS.items():
        cells = [cell(capabilities) for capabilities in CAPABILITIES.values()]
        lines.append(f"| {question} | {' | '.join(cells)} |")
    lines += [
        "",
        "`sandbox_…` are one test server with different promises. `manual` stands for a person who",
        "pays and reports it. [Run the sandbox](../how-to/sandbox-provider.md).",
        "",
        "## Failures of the sandbox",
        "",
        "`POST /admin/failures` with the name of a failure lets the next request fail.",
        "",
        "| failure | " + " | ".join(Target) + " |",
        "|---|" + "---|" * len(Target),
    ]
    for failure in Failure:
        cells = ["yes" if fits(failure, target) else "" for target in Target]
        lines.append(f"| `{failure}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


_UNITS = {86_400: "d", 3_600: "h", 1: "s"}


def _duration(time: "timedelta | None") -> str:
    if time is None:
        return "for ever"
    seconds = int(time.total_seconds())
    for unit, name in _UNITS.items():
        if seconds and seconds % unit == 0:
            return f"{seconds // unit} {name}"
    return "no"


def _yes(is_true: bool) -> str:  # noqa: FBT001 - a cell
    return "yes" if is_true else "no"


_CAPABILITY_ROWS: "dict[str, Callable[[Capabilities], str]]" = {
    "a repeated key is recognized": lambda can: _duration(can.key_window),
    "replies kept under a key": lambda can: str(can.stored_replies),
    "a new refund is missing in the state": lambda can: _duration(can.lag),
    "refunds are accepted after the capture": lambda can: (
        _duration(can.deadline) if can.deadline else "for ever"
    ),
    "refunds per payment": lambda can: str(can.max_partials or "any number"),
    "equal amounts apart": lambda can: _duration(can.equal_amounts_apart),
    "decimals of its own": lambda can: ", ".join(
        f"{currency.upper()} {places}" for currency, places in can.exponents.items()
    ),
    "the result may come later": lambda can: _yes(can.is_asynchronous),
    "a disputed payment is refused": lambda can: _yes(can.refuses_disputed),
    "refunds": lambda can: _yes(can.can_refund),
    "voids an authorization": lambda can: _yes(can.can_void),
    "lists our references": lambda can: _yes(can.lists_references),
    "a person pays": lambda can: _yes(can.is_manual),
}


GENERATED = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "errors.md": errors_page,
    "life-cycle.md": life_cycle_page,
    "rules.md": rules_page,
    "providers.md": providers_page,
    "holds.md": holds_page,
}


def main() -> None:
    """Write them all."""
    for name, page in GENERATED.items():
        (PAGES / name).write_text(page())


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "takeback.settings")
    django.setup()
    main()
