"""Plans without data: literals become the parameter they stand for, or `?`; what nothing reads is left out."""

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from pgadvisor.model.plan import Plan, PlanNode
from pgadvisor.sql.normalize import redact
from pgadvisor.sql.parse import tokens_of

_TEXTS = ("filter", "index_condition", "recheck_condition", "hash_condition", "merge_condition", "join_filter")
_LISTS = ("sort_keys", "presorted_keys", "group_keys")
_DROPPED = frozenset({"Workers"})
"""Each worker's share of the figures that the node itself has."""
_OPERATORS = frozenset({"=", "<>", "<", ">", "<=", ">=", "+", "-", "*", "/"})
"""Before a number that is a value: others are names (`SubPlan 1`) or belong to types (`numeric(10,2)`)."""
_PARAMETER = re.compile(r"\$\d+")
_INIT_PLAN = re.compile(r"\$\d+|InitPlan \d+")


def redacted(plan: Plan, texts: Mapping[str, str], numbers: tuple[int, ...] = ()) -> Plan:
    """The plan as it is kept.

    `texts`: values that stand for parameters, with the parameter's name: `42` for `$1`. `numbers`: the numbers that
    the plan's own parameters have in the statement's text, where they differ.
    """
    # Up to PostgreSQL 16 an initplan's result is called `$0`, too: such a name stays the initplan's.
    taken = {name for node in plan.root.walk() for name in _PARAMETER.findall(node.subplan_name or "")}
    free = {value: name for value, name in texts.items() if name not in taken}
    renamed = {f"${at}": f"${number}" for at, number in enumerate(numbers, 1) if at != number and f"${at}" not in taken}
    return msgspec.structs.replace(plan, root=_node(plan.root, {**free, **renamed}))


def names_of_values(texts: Mapping[int, str], numbers: tuple[int, ...]) -> dict[str, str]:
    """The name of each value, by the numbers of the statement's own text; a value of two parameters has none."""
    values = list(texts.values())
    return {value: f"${numbers[at - 1]}" for at, value in texts.items() if values.count(value) == 1}


def of_any_value(plan: Plan) -> Plan:
    """The plan of a text in which `(SELECT NULL::type)` stands for each parameter, without these and without values."""
    stand_ins = [child for child in plan.root.walk() if _is_stand_in(child)]
    names = [re.findall(r"InitPlan (\d+)|\$(\d+)", child.subplan_name or "") for child in stand_ins]
    spelled = [rf"\(InitPlan {plan}\)\.col\d+" for each in names for plan, _ in each if plan]
    spelled += [rf"\${result}(?!\d)" for each in names for _, result in each if result]
    free = _without_stand_ins(plan.root, re.compile("|".join(spelled) or r"(?!)"))
    return redacted(msgspec.structs.replace(plan, root=free), {})


def _is_stand_in(node: PlanNode) -> bool:
    output = json.loads(dict(node.other).get("Output", "[]"))
    is_null = len(output) == 1 and str(output[0]).startswith("NULL::")
    return node.node_type == "Result" and node.parent_relationship == "InitPlan" and not node.children and is_null


def _without_stand_ins(node: PlanNode, names: re.Pattern[str]) -> PlanNode:
    changes: dict[str, Any] = {each: names.sub("?", getattr(node, each)) for each in _TEXTS if getattr(node, each)}
    kept = tuple(_without_stand_ins(child, names) for child in node.children if not _is_stand_in(child))
    return msgspec.structs.replace(node, **changes, children=kept)


def _node(node: PlanNode, texts: Mapping[str, str]) -> PlanNode:
    changes: dict[str, Any] = {name: _text(getattr(node, name), texts) for name in _TEXTS if getattr(node, name)}
    changes |= {
        name: tuple(_text(each, texts) for each in getattr(node, name)) for name in _LISTS if getattr(node, name)
    }
    return msgspec.structs.replace(
        node,
        **changes,
        other=tuple(
            (key, json.dumps(value, ensure_ascii=False))
            for key, text in node.other
            if key not in _DROPPED and (value := _kept(key, json.loads(text), texts)) is not None
        ),
        children=tuple(_node(child, texts) for child in node.children),
    )


def _kept(key: str, value: Any, texts: Mapping[str, str]) -> Any:
    """The value of a key that has no field of its own; None: not kept.

    Of the output list only which initplans it uses: `figures` charges their time to their user.
    """
    if key == "Output":
        mentioned = sorted({each for item in value for each in _INIT_PLAN.findall(str(item))})
        return mentioned or None
    return _redacted(value, texts)


def _redacted(value: Any, texts: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _text(value, texts)
    if isinstance(value, list):
        return [_redacted(each, texts) for each in value]
    if isinstance(value, dict):
        return {key: _redacted(each, texts) for key, each in value.items()}
    return value


def _text(expression: str, texts: Mapping[str, str]) -> str:
    """The expression with values as `$n` where they stand for a parameter, and as `?` elsewhere."""
    parts, at, before = [], 0, ""
    for token in tokens_of(expression):
        if token.kind in ("string", "parameter") or (token.kind == "number" and before in _OPERATORS):
            bare = token.text[1:-1].replace("''", "'") if token.kind == "string" else token.text
            if bare in texts:
                parts += [expression[at : token.start], texts[bare]]
                at = token.end
        before = token.text
    return redact("".join([*parts, expression[at:]]))
