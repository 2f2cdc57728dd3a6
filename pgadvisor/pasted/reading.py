"""From what was pasted to its plans, in whatever form and wrapping."""

from pgadvisor.errors import UsageError
from pgadvisor.model.explain import read_explain
from pgadvisor.pasted.objects import object_plans
from pgadvisor.pasted.pasted import FoundPlan, PastedPlan
from pgadvisor.pasted.rows import as_lines
from pgadvisor.pasted.text import text_plans
from pgadvisor.pasted.wrapping import unwrapped, without_log_prefix

DEEPEST = 400
"""Nodes below each other: PostgreSQL's own plans have a few dozen, and what walks them calls itself."""
_SENSIBLE = "paste what EXPLAIN printed, from its first line to the last: text, JSON, YAML or XML"


def read_pasted(data: bytes) -> tuple[PastedPlan, ...]:
    """The plans in what was pasted, in order. Raises UsageError when there is none, or one is damaged."""
    text = decoded(data)
    if not text.strip():
        raise UsageError(f"there is nothing in the input: {_SENSIBLE}")
    lines = unwrapped(as_lines(text))
    found = object_plans(lines) or text_plans(lines) or text_plans(without_log_prefix(lines))
    if not found:
        raise UsageError(f"there is no plan in the input: {_SENSIBLE}")
    return tuple(_read(each) for each in found)


def decoded(data: bytes) -> str:
    """The text of a file: UTF-8, UTF-16 as PowerShell writes it, or Windows' own. Raises UsageError for no text."""
    marked = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise UsageError(f"the input is no text: {_SENSIBLE}")


def _read(found: FoundPlan) -> PastedPlan:
    _refuse_deep(found)
    try:
        plan = read_explain(found.keys)
    except ValueError as error:
        raise UsageError(f"the plan that begins on line {found.line} cannot be read ({error}): {_SENSIBLE}") from error
    return PastedPlan(plan=plan, line=found.line, query=found.query)


def _refuse_deep(found: FoundPlan) -> None:
    depth, level = 0, [found.keys.get("Plan")]
    while level:
        depth += 1
        level = [
            child
            for node in level
            if isinstance(node, dict) and isinstance(node.get("Plans"), list)
            for child in node["Plans"]
        ]
        if depth > DEEPEST:
            raise UsageError(f"the plan that begins on line {found.line} is more than {DEEPEST} deep: {_SENSIBLE}")
