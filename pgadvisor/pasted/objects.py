"""EXPLAIN's JSON, YAML and XML forms: the objects that hold a plan, wherever in the text they begin."""

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from pgadvisor.errors import UsageError
from pgadvisor.model.explain import KNOWN_KEYS
from pgadvisor.pasted.pasted import FoundPlan, Line
from pgadvisor.pasted.text_details import figure

_JSON_START = re.compile(r'\{(?=\s*")')
_JSON_PLAN = re.compile(r'"Plan"\s*:\s*\{')
_YAML_START = re.compile(r"^ *(?:- +)?Plan: *$", re.MULTILINE)
_YAML_KEY = re.compile(r" *[A-Z][A-Za-z/ -]*:(?: |$)")
_YAML_QUERY = re.compile(r" *(?:- )?Query Text: ")
_XML = re.compile(r"<explain\b.*?</explain>", re.DOTALL)
_LISTS = ("Plans", "Triggers", "Workers", "Group Keys")
_JOINED = {
    key.replace(" ", "-").replace("/", "-"): key
    for key in (*KNOWN_KEYS, "Full-sort Groups", "Pre-sorted Groups", "One-Time Filter")
}


def object_plans(lines: Sequence[Line]) -> tuple[FoundPlan, ...]:
    """The plans in the JSON, YAML or XML form; empty when there is none of these.

    Raises UsageError where one begins and does not end as it should.
    """
    text = "\n".join(each.text for each in lines)
    if _JSON_PLAN.search(text):
        return tuple(_json_plans(text))
    if _XML.search(text) or "<explain" in text:
        return tuple(_xml_plans(text))
    if _YAML_START.search(text):
        return tuple(_yaml_plans(lines))
    return ()


def _json_plans(text: str) -> Iterator[FoundPlan]:
    decoder, at, failed = json.JSONDecoder(strict=False), 0, None
    while match := _JSON_START.search(text, at):
        start = match.start()
        try:
            value, at = decoder.raw_decode(text, start)
        except (json.JSONDecodeError, RecursionError) as error:
            at = start + 1
            is_plan = _JSON_PLAN.search(text, start, start + 200)
            failed = failed or (start, error) if is_plan else failed
            continue
        for each in _holders(value):
            yield _found(each, _line(text, start))
            failed = None
    if failed:
        raise _broken("JSON", _line(text, failed[0])) from failed[1]


def _holders(value: Any) -> Iterator[dict[str, Any]]:
    """The objects with a plan: alone, in a list, in lists of rows."""
    if isinstance(value, dict) and isinstance(value.get("Plan"), dict):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _holders(each) if isinstance(each, (dict, list)) else ()
    elif isinstance(value, list):
        for each in value:
            yield from _holders(each)


def _found(keys: dict[str, Any], line: int) -> FoundPlan:
    query = keys.get("Query Text")
    return FoundPlan(keys, line, query if isinstance(query, str) else None)


def _yaml_plans(lines: Sequence[Line]) -> Iterator[FoundPlan]:
    for piece in _yaml_pieces(lines):
        margin = min(each.column for each in piece)
        text = "\n".join(each.text[margin:] for each in piece)
        try:
            value = yaml.load(text, _YamlLoader)
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            raise _broken("YAML", piece[0].number) from error
        yield from (_found(each, piece[0].number) for each in _holders(value))


class _YamlLoader(yaml.SafeLoader):  # type: ignore[misc]  # the package brings no types
    """Plain data without aliases, which EXPLAIN never writes and which can make a small text huge."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias in a plan")
        return super().compose_node(parent, index)


def _yaml_pieces(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """The lines of each plan: from `- Plan:`, or the text of its query before it, to the last that can be of it."""
    piece: list[Line] = []
    for line in lines:
        is_start = bool(_YAML_START.match(line.text) or _YAML_QUERY.match(line.text))
        is_nested = bool(piece) and line.column > piece[0].column
        has_plan = any(_YAML_START.match(each.text) for each in piece)
        if is_start and not is_nested and (has_plan or not piece):
            if piece:
                yield piece
            piece = [line]
        elif is_nested or (piece and line.column == piece[0].column and _YAML_KEY.match(line.text)):
            piece.append(line)
        elif piece and line.text.strip():
            yield piece
            piece = []
    if piece:
        yield piece


def _xml_plans(text: str) -> Iterator[FoundPlan]:
    found = list(_XML.finditer(text))
    if not found:
        raise _broken("XML", _line(text, text.index("<explain")))
    for match in found:
        try:
            root = ElementTree.fromstring(match[0])
        except ElementTree.ParseError as error:
            raise _broken("XML", _line(text, match.start())) from error
        for each in root:
            value = _of_element(each)
            if isinstance(value, dict) and isinstance(value.get("Plan"), dict):
                yield _found(value, _line(text, match.start()))


def _of_element(element: ElementTree.Element) -> Any:
    """An element as JSON has it: `Plans` of `Plan`, or items, are a list."""
    name, text = _tag(element), (element.text or "").strip()
    if not len(element):
        return [] if not text and (name in _LISTS or name.endswith("Key")) else figure(name, text)
    children = [(_tag(each), _of_element(each)) for each in element]
    if all(key in ("Item", name.removesuffix("s")) for key, _ in children):
        return [value for _, value in children]
    return dict(children)


def _tag(element: ElementTree.Element) -> str:
    tag = element.tag.rpartition("}")[2]
    return _JOINED.get(tag, tag.replace("-", " "))


def _broken(form: str, line: int) -> UsageError:
    return UsageError(
        f"the {form} of the plan that begins on line {line} is cut or damaged: copy EXPLAIN's whole output once more"
    )


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
