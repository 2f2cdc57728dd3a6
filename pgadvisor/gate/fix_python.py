"""A migration written in Python, taken apart by its positions: the calls of its operations, and edits between them."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pgadvisor.migrations.python_text import literal

_LINE_END = re.compile(r"\r\n|\r|\n")
_ALONE = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r|\n|\Z)")
_TAIL = re.compile(r",?(?P<comment>[ \t]*#[^\r\n]*)?(?P<break>\r\n|\r|\n)?(?P<margin>[ \t]*)\)")
"""What may follow the last argument of a call."""
_QUOTES = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
_FOUND_OUT = frozenset(("os", "environ", "getenv"))
"""Names whose values are not the same elsewhere."""


class Edit(NamedTuple):
    """Text that takes the place of a part of the file."""

    start: int
    end: int
    text: str


class PythonFile:
    """The text of a file with its syntax tree; offsets are characters."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self._starts = [0, *(found.end() for found in _LINE_END.finditer(text))]
        found = _LINE_END.search(text)
        self.line_end = found[0] if found else "\n"
        self.known = frozenset(_module_names(self.tree))
        """Names that mean the same wherever the file is run."""

    def start(self, node: ast.expr | ast.stmt) -> int:
        """Where it begins."""
        return self._offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt) -> int:
        """Where it ends."""
        return self._offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def _offset(self, line: int, column: int) -> int:
        """The tree counts columns in bytes of UTF-8."""
        start = self._starts[line - 1]
        return start + len(self.text[start:].split("\n", 1)[0].encode()[:column].decode())

    def segment(self, node: ast.expr | ast.stmt) -> str:
        """Its source, as it stands."""
        return self.text[self.start(node) : self.end(node)]

    def shifted(self, node: ast.expr | ast.stmt, segment: str | None = None) -> str:
        """Its source, or what became of it, with the indentation of its first line taken off the others."""
        lines = _LINE_END.sub("\n", self.segment(node) if segment is None else segment).split("\n")
        indent = self.indent(node)
        inside = frozenset() if segment is not None else {each - node.lineno for each in _inside_strings(node)}
        return "\n".join(
            line if number in inside or not number else line.removeprefix(indent) for number, line in enumerate(lines)
        )

    def indent(self, node: ast.expr | ast.stmt) -> str:
        """The white space that its line begins with."""
        start = self._starts[node.lineno - 1]
        line = self.text[start:]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def line_start(self, node: ast.expr | ast.stmt) -> int:
        """Where its first line begins."""
        return self._starts[node.lineno - 1]

    def line_after(self, node: ast.stmt) -> int:
        """Where the line after its last one begins."""
        number = node.end_lineno or node.lineno
        return self._starts[number] if number < len(self._starts) else len(self.text)

    def is_alone(self, node: ast.stmt) -> bool:
        """Whether it shares its lines with no other statement."""
        before = self.text[self.line_start(node) : self.start(node)]
        return not before.strip() and _ALONE.match(self.text, self.end(node)) is not None

    def is_fixed(self, node: ast.expr) -> bool:
        """Whether it says the same wherever it is run: no names but those of the module, nothing of the environment."""
        names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        parts = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
        return names <= self.known and not (names | parts) & _FOUND_OUT

    def edited(self, edits: Iterable[Edit]) -> str | None:
        """The text with the edits made, which must not overlap; None: no Python would come of it."""
        text, at = self.text, len(self.text)
        for edit in sorted(edits, key=lambda each: (each.start, each.end), reverse=True):
            if edit.end > at:
                return None
            text = text[: edit.start] + edit.text.replace("\n", self.line_end) + text[edit.end :]
            at = edit.start
        try:
            ast.parse(text)
        except SyntaxError:
            return None
        return text


def read_python(path: Path) -> PythonFile | None:
    """The file; None: it is not there, not plain UTF-8, or no Python."""
    try:
        data = path.read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return PythonFile(data.decode("utf-8")) if encoding == "utf-8" else None
    except (OSError, ValueError, SyntaxError, RecursionError):
        return None


def _module_names(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((each.asname or each.name).partition(".")[0] for each in node.names)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            yield from (each.id for each in node.targets if isinstance(each, ast.Name))
    yield from ("list", "dict", "str", "int", "set", "tuple", "bytes")


def imports(tree: ast.Module, module: str, name: str) -> bool:
    """Whether the file has `from module import name`, under no other name."""
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == module
        and any(each.name == name and each.asname in (None, name) for each in node.names)
        for node in tree.body
    )


def with_keyword(file: PythonFile, call: ast.Call, keyword: str) -> str | None:
    """The source of the call with one more keyword, which it must not have; None: that cannot be told."""
    names = [each.arg for each in call.keywords]
    if None in names or keyword.partition("=")[0] in names or any(isinstance(each, ast.Starred) for each in call.args):
        return None
    last = max((*call.args, *(each.value for each in call.keywords)), key=file.end, default=None)
    if last is None:
        return None
    tail = _TAIL.fullmatch(file.text[file.end(last) : file.end(call)])
    if tail is None:
        return None
    head = file.text[file.start(call) : file.end(last)]
    more = f", {keyword})"
    if end := tail["break"]:
        more = f",{tail['comment'] or ''}{end}{file.indent(last)}{keyword},{end}{tail['margin']})"
    return file.shifted(call, head + more)


def indented(code: str, indent: str) -> str:
    """Each line with so much white space before it, but those inside a string where it would mean something."""
    try:
        inside = _inside_strings(ast.parse(code))
    except SyntaxError:
        inside = frozenset()
    return "\n".join(
        f"{indent}{line}" if line and number not in inside else line
        for number, line in enumerate(code.split("\n"), start=1)
    )


def _inside_strings(tree: ast.AST) -> frozenset[int]:
    """Lines that begin within a string, but for SQL in which white space means nothing there."""
    return frozenset(
        number
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant | ast.JoinedStr)
        and not (isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_loose(node.value))
        for number in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)
    )


def _is_loose(text: str) -> bool:
    """Whether it is SQL between line breaks, no quoted part of which goes on in another line."""
    is_between = text.startswith("\n") and text.rstrip(" \t").endswith("\n")
    return is_between and not re.search(r"['\"]", _QUOTES.sub("", text))


def sql_literal(statement: str) -> str:
    """A statement as a string of Python: one of several lines stays readable where its text allows it."""
    if "\n" not in statement or re.search(r'\\|"""|\r', statement) or not _is_loose(f"\n{statement}\n"):
        is_plain = '"' in statement and not re.search(r"['\\\x00-\x1f]", statement)
        return f"'{statement}'" if is_plain else literal(statement)
    return f'"""\n{statement}\n"""'


def sql_list(statements: Sequence[str]) -> str:
    """Statements as a list of Python, one a line."""
    if not statements:
        return "[]"
    lines = "\n".join(indented(f"{sql_literal(each)},", "    ") for each in statements)
    return f"[\n{lines}\n]"
