"""Plans in a terminal: a table of the nodes with the guilty ones marked; two plans side by side."""

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports.plan_comparison import ComparedNode, ComparedPlans
from pgadvisor.reports.plan_rows import PlanRow, PlanTable
from pgadvisor.reports.visible_text import folded, visible

NOTE = 160
"""Characters of a condition that are shown."""
UNKNOWN = "–"
DEEPEST = 12
"""Steps of indentation; more would leave no room for the name."""


def plan_view(table: PlanTable, guilty: Mapping[int, list[int]]) -> RenderableType:
    """The plan as a table. `guilty`: for each blamed node the numbers of the findings that blame it."""
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    shown.add_column("", width=1)
    shown.add_column("Node", ratio=1, overflow="fold")
    shown.add_column("Own time" if table.has_times else "Own cost", justify="right", no_wrap=True)
    shown.add_column("Rows, planned → real" if table.is_analyzed else "Rows, planned", justify="right", no_wrap=True)
    if table.has_blocks:
        shown.add_column("Pages", justify="right", no_wrap=True)
    shown.expand = True
    for row in table.rows:
        blamed = guilty.get(row.number, [])
        cells: list[RenderableType] = [Text("▶" if blamed else ""), _node(row, blamed)]
        cells += [Text(_own(row, table)), Text(_rows(row, table))]
        if table.has_blocks:
            cells.append(Text(numbers.count(row.blocks)))
        shown.add_row(*cells, style="yellow" if blamed else None)
    footer = _footer(table)
    return Group(shown, Text(footer, style="dim")) if footer else shown


def comparison_view(plans: ComparedPlans) -> RenderableType:
    """Two plans side by side, the same step on one line; what is different stands below it."""
    tried = f"tried on {plans.tried_on}: {folded(plans.change, NOTE)}"
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim", expand=True)
    shown.add_column("", width=1)
    for title in (f"Before: {plans.before_total}", f"After: {plans.after_total}"):
        shown.add_column(title, ratio=1, overflow="fold")
    for line in plans.lines:
        is_same = line.change == "unchanged"
        sides = (_side(line.before, is_named=is_same), _side(line.after, line.words, is_named=is_same))
        shown.add_row(Text("" if is_same else line.sign), *sides, style="dim" if is_same else None)
    signs = Text("≠ changed  ↕ moved  − only before  + only after", style="dim")
    return Group(Text(visible(plans.sentence), style="bold"), Text(visible(tried), style="dim"), shown, signs)


def _side(node: ComparedNode | None, words: tuple[str, ...] = (), *, is_named: bool) -> RenderableType:
    """The node's name, its figures unless it is only to be named, and in words what is different about it."""
    if node is None:
        return Text("")
    step = 2 * max(0, min(node.row.depth, DEEPEST) - 1)
    name = Text(f"{'└ ' if node.row.depth else ''}{visible(node.row.name)}")
    told = [] if is_named else [f"{node.own} · {node.rows}", *([" · ".join(words)] if words else [])]
    below = (Padding(Text(visible(text), style="dim"), (0, 0, 0, step + 2)) for text in told)
    return Group(Padding(name, (0, 0, 0, step)), *below)


def _node(row: PlanRow, blamed: list[int]) -> RenderableType:
    """The node's name and notes, indented by depth also where they wrap."""
    step = 2 * max(0, min(row.depth, DEEPEST) - 1)
    name = Text(f"{'└ ' if row.depth else ''}{visible(row.name)}", style="bold")
    for number in blamed:
        name.append(f" #{number}")
    notes = (Text(f"{what} {visible(folded(note, NOTE))}", style="dim") for what, note in row.notes)
    return Group(Padding(name, (0, 0, 0, step)), *(Padding(note, (0, 0, 0, step + 4)) for note in notes))


def _own(row: PlanRow, table: PlanTable) -> str:
    if row.is_never_run:
        return "never run"
    share = numbers.share(row.share)
    if table.has_times:
        return f"{numbers.time(row.self_ms)}\n{share}"
    return share if table.has_costs else UNKNOWN


def _rows(row: PlanRow, table: PlanTable) -> str:
    planned = numbers.count(row.estimated_rows) if table.has_costs else UNKNOWN
    if not table.is_analyzed or row.is_never_run:
        return planned
    return f"{planned} → {numbers.count(row.rows)}" + (f"\n{row.miss}" if row.is_far_off else "")


def _footer(table: PlanTable) -> str:
    parts = []
    if table.execution_ms is not None:
        outside = f", {numbers.time(table.outside_ms)} of it outside the nodes" if table.outside_ms else ""
        parts.append(f"{numbers.time(table.execution_ms)} to run{outside}")
    if table.planning_ms is not None:
        parts.append(f"{numbers.time(table.planning_ms)} to plan")
    if table.jit_ms:
        parts.append(f"{numbers.time(table.jit_ms)} of JIT")
    parts += [visible(f"{name} = {value}") for name, value in table.settings]
    parts += [visible(f"trigger {name}: {text}") for name, text in table.triggers]
    return " · ".join(parts)
