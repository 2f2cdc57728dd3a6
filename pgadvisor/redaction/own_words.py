"""The words that pgadvisor itself puts into messages, and what stands beside them there: all else came from outside.

They are read from the sources: a message is a template with names in it, and its words are the template's own.
"""

import ast
import importlib.util
import pkgutil
import re
from collections.abc import Iterator
from functools import cache

import pgadvisor
from pgadvisor.model.record import Record
from pgadvisor.sql.parse import is_valid

PROSE_TOKEN = re.compile(r"[^\W\d][\w$]*|\d[\d.,]*|\s+|.", re.DOTALL)
MARK = "\0"
"""Stands where a template has a place for a value; also at the ends of a template."""

_SILENT = ("pgadvisor.demo", "pgadvisor.example", "pgadvisor.redaction", "pgadvisor.reports", "pgadvisor.cli.demo")
"""Modules that say nothing in a report's record; the demo's know its shop."""
_SPEAKING = frozenset(("pgadvisor.reports.index_words", "pgadvisor.reports.format_numbers"))
"""But what these say stands in a verdict."""
_EXAMPLES = frozenset(
    (
        "Example", "Policy", "SecurityDefiner", "Sequence",
        "table", "index", "node", "foreign_key", "column", "plan", "AdvisedIndex", "DroppedIndex",
        "IndexAdvice", "ChangePlace", "PlanChange", "PlanChanges", "MadeIndex", "NeededIndex", "WholeRead",
    )
)  # fmt: skip
"""Calls that make the examples of rules: the names in them are made up."""


class OwnWords(Record):
    """Words in lower case, and for each where it stands."""

    words: frozenset[str]
    places: dict[str, frozenset[tuple[str, str]]]
    """For each word as it is written: what may stand before and after it, MARK where that is a value."""

    def has_place(self, word: str, before: str, after: str) -> bool:
        """Whether a template has the word between these two; an empty one is the end of the text, or a value."""
        return any(
            (left == before or (left == MARK and not before)) and (right == after or (right == MARK and not after))
            for left, right in self.places.get(word, ())
        )


@cache
def own_words() -> OwnWords:
    """Those of all modules whose words may get into a report. Without sources there are none: all is redacted."""
    words: set[str] = set()
    places: dict[str, set[tuple[str, str]]] = {}
    for template in _templates():
        tokens = [MARK, *(token for token in PROSE_TOKEN.findall(template) if not token.isspace()), MARK]
        is_prose = len(tokens) > 3 and not is_valid(template.replace(MARK, "x"))
        for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
            if token[0].isalpha() or token[0] == "_":
                words.add(token.lower())
                if is_prose:  # a word alone, or in SQL, may be a name in an example
                    places.setdefault(token, set()).add((before, after))
    return OwnWords(words=frozenset(words), places={word: frozenset(each) for word, each in places.items()})


def _templates() -> Iterator[str]:
    for module in pkgutil.walk_packages(pgadvisor.__path__, "pgadvisor."):
        if module.name.startswith(_SILENT) and module.name not in _SPEAKING:
            continue
        spec = importlib.util.find_spec(module.name)
        source = getattr(spec.loader, "get_source", lambda _: None)(module.name) if spec else None
        if source:
            yield from _strings(ast.parse(source))


def _strings(node: ast.AST) -> Iterator[str]:
    """The texts in a piece of source, but for docstrings and examples; f-strings with MARK for each value."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _EXAMPLES:
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(each.value) if isinstance(each, ast.Constant) else f" {MARK} " for each in node.values)
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)):
            yield from _strings(child)
