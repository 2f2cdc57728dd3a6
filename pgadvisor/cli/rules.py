"""`pgadvisor rules`: what it knows."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from pgadvisor.advise.page import page_of
from pgadvisor.advise.registry import all_rules, find_rule
from pgadvisor.cli.options import DebugOption
from pgadvisor.gate.examples import findings_in


def rules(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", show_default=False, help="A rule, to read its page.")
    ] = None,
    debug: DebugOption = False,
) -> None:
    """List the rules, or show one's page: what it finds, why it matters, what to do, when to leave it.

    Examples:

    - `pgadvisor rules`

    - `pgadvisor rules function-on-indexed-column`
    """
    console = Console()
    if name is not None:
        page = page_of(find_rule(name), findings_in)
        console.print(Markdown(page) if console.is_terminal else page, markup=False, highlight=False, soft_wrap=True)
        return
    listed = Table(box=None, pad_edge=False, show_edge=False)
    for heading in ("rule", "looks at", "up to", "finds"):
        listed.add_column(heading, no_wrap=heading != "finds")
    for rule in all_rules():
        listed.add_row(rule.name, rule.kind, str(rule.severity), rule.summary)
    console.print(listed)
