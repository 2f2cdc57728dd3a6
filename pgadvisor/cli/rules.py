"""`pgadvisor rules`: what it knows."""

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Annotated, Literal

import typer
from rich.console import Console, Group
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from pgadvisor.advise.page import page_of
from pgadvisor.advise.registry import all_rules, find_rule
from pgadvisor.cli.options import DebugOption
from pgadvisor.gate.examples import findings_in
from pgadvisor.rule import Rule, RuleKind

LOOKS_AT: dict[RuleKind, str] = {
    "query": "A query's text, confirmed by schema, statistics and plan",
    "plan": "The plan of a statement",
    "schema": "A table, its columns, indexes and constraints",
    "server": "The server: settings, vacuuming, sessions and locks",
    "workload": "The whole workload",
    "endpoint": "The requests of an endpoint, as logs tell of them",
    "migration": "A step of a migration (the gate's)",
    "change": "What a pull request does to plans (the gate's)",
}


def rules(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", show_default=False, help="A rule, to read its page.")
    ] = None,
    form: Annotated[
        Literal["text", "json"], typer.Option("--format", help="The list as text, or as JSON for other programs.")
    ] = "text",
    debug: DebugOption = False,
) -> None:
    """List the rules, or show one's page: what it finds, why it matters, what to do, when to leave it.

    Examples:

    - `pgadvisor rules`

    - `pgadvisor rules function-on-indexed-column`

    - `pgadvisor rules --format json`
    """
    console = Console()
    listed = (find_rule(name),) if name is not None else all_rules()
    if form == "json":
        told = json.dumps([_told(rule) for rule in listed], ensure_ascii=False, indent=2)
        console.print(told, markup=False, highlight=False, soft_wrap=True)
    elif name is not None:
        page = page_of(listed[0], findings_in)
        console.print(Markdown(page) if console.is_terminal else page, markup=False, highlight=False, soft_wrap=True)
    else:
        console.print(_list(listed))


def _list(listed: Sequence[Rule]) -> Group:
    """The rules by what they look at: name, worst severity, evidence, fault."""
    parts: list[Text | Table] = []
    widest = max(len(_name(rule)) for rule in listed)
    for kind, rules_of in groupby(listed, key=lambda rule: rule.kind):
        rows = Table(box=None, pad_edge=False, show_edge=False)
        for heading, width in (("rule", widest), ("up to", 7), ("needs", 10), ("finds", None)):
            rows.add_column(heading, no_wrap=heading in ("rule", "up to"), min_width=width)
        for rule in rules_of:
            rows.add_row(_name(rule), str(rule.severity), ", ".join(rule.needs) or "text", rule.summary)
        parts += [Text(f"\n{LOOKS_AT[kind]}" if parts else LOOKS_AT[kind], style="bold"), rows]
    return Group(*parts)


def _name(rule: Rule) -> str:
    return f"{rule.name} ({rule.package})" if rule.package else rule.name


def _told(rule: Rule) -> dict[str, object]:
    return {
        "name": rule.name,
        "looks_at": rule.kind,
        "up_to": str(rule.severity),
        "needs": list(rule.needs),
        "since": rule.since,
        "aliases": list(rule.aliases),
        "package": rule.package,
        "finds": rule.summary,
    }
