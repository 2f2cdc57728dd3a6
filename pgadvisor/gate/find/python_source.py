"""Migrations written in Python: where an operation stands, and what comments beside it silence."""

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

from pgadvisor.model.migration import Waiver
from pgadvisor.sql.remarks import waivers_in


class PythonSource:
    """A Python file, asked by lines."""

    def __init__(self, path: Path) -> None:
        self._comments: dict[int, str] = {}
        self._alone: set[int] = set()
        self._ends: dict[int, int] = {}
        self.operations: tuple[int, ...] = ()
        """Lines of the elements of a Django migration's `operations`."""
        try:
            with tokenize.open(path) as file:
                text = file.read()
            tree = ast.parse(text)
            tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
        except (OSError, SyntaxError, ValueError, tokenize.TokenError, RecursionError):
            return  # who imports the file tells what is wrong with it
        for token in tokens:
            if token.type == tokenize.COMMENT:
                self._comments[token.start[0]] = token.string
                if not token.line[: token.start[1]].strip():
                    self._alone.add(token.start[0])
        for node in ast.walk(tree):
            if isinstance(node, ast.expr | ast.stmt):
                end = node.end_lineno or node.lineno
                self._ends[node.lineno] = max(end, self._ends.get(node.lineno, 0))
        self.operations = tuple(_operations(tree))

    def waivers_at(self, line: int) -> tuple[tuple[Waiver, ...], tuple[str, ...]]:
        """What the comments directly above the operation on that line, in it or behind it silence; and bad dates."""
        first = line
        while first - 1 in self._alone:
            first -= 1
        found: list[Waiver] = []
        faults = []
        for number in range(first, self._ends.get(line, line) + 1):
            try:
                found += waivers_in(self._comments.get(number, ""), number)
            except ValueError:
                faults.append(f"line {number}: the date of the waiver is no date, so it does not hold")
        return tuple(found), tuple(faults)


def _operations(tree: ast.Module) -> Iterator[int]:
    for node in tree.body:
        if not (isinstance(node, ast.ClassDef) and node.name == "Migration"):
            continue
        for each in node.body:
            if isinstance(each, ast.Assign) and isinstance(each.value, ast.List | ast.Tuple):
                names = [target.id for target in each.targets if isinstance(target, ast.Name)]
                if names == ["operations"]:
                    yield from (element.lineno for element in each.value.elts)
