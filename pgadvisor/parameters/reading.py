"""The reading part of a write: the SELECT that finds the rows an UPDATE or DELETE changes, or an INSERT takes.

Planning a write needs the privilege to write, and running one is out of the question; its cost is mostly in finding the
rows, and that can be planned by a reader and run.
"""

from collections.abc import Iterator

import msgspec

from pgadvisor.parameters.form import Form, edited, renumbered
from pgadvisor.sql.lexer import Token
from pgadvisor.sql.parse import Node, Parsed, Unread, parse, tokens_of
from pgadvisor.sql.syntax import walk

_STRENGTHS = (("update",), ("no", "key", "update"), ("share",), ("key", "share"))
_WRITES = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})


def reading_of(form: Form) -> Form | None:
    """The SELECT that reads what the statement reads, without its row locks.

    None: it reads nothing, it writes in a CTE, or it is such a SELECT already.
    """
    parsed = parse(form.text)
    if isinstance(parsed, Unread) or any(kind in _WRITES for kind, _ in walk(parsed.body)):
        return None
    makers = {"update": _of_update, "delete": _of_delete, "insert": _of_insert, "select": _of_select}
    text = makers[form.kind](parsed) if form.kind in makers else None
    if text is None:
        return None
    unlocked = _without_locks(text)
    if form.kind == "select" and unlocked == text:
        return None
    return msgspec.structs.replace(renumbered(form, unlocked), kind="select")


def _without_locks(text: str) -> str:
    """The text without FOR UPDATE, FOR SHARE and their like: planning them needs the privilege to write."""
    tokens = [token for token in tokens_of(text) if token.kind != "comment"]
    words = [token.text.lower() for token in tokens]
    edits = []
    for at, word in enumerate(words):
        end = _lock_end(words, at) if word == "for" else None
        if end is not None:
            edits.append((tokens[at].start, tokens[end - 1].end, ""))
    return edited(text, edits)


def _lock_end(words: list[str], at: int) -> int | None:
    """The place after a locking clause that begins at `for`; None: none does."""
    strength = next((each for each in _STRENGTHS if tuple(words[at + 1 : at + 1 + len(each)]) == each), None)
    if strength is None:
        return None
    end = at + 1 + len(strength)
    if words[end : end + 1] == ["of"]:
        end += 2
        while words[end : end + 1] in ([","], ["."]):
            end += 2
    if words[end : end + 1] == ["nowait"]:
        return end + 1
    return end + 2 if words[end : end + 2] == ["skip", "locked"] else end


class _Clauses:
    """The words of a write that stand outside all parentheses, by their place among the tokens."""

    def __init__(self, parsed: Parsed) -> None:
        self._text = parsed.text
        self._tokens = parsed.tokens
        self._words = list(_outer_words(parsed.tokens))

    def first(self, word: str, after: int = -1) -> int | None:
        """The first such word after a place; `from` of IS DISTINCT FROM is none."""
        return next((at for at, each in self._words if each == word and at > after), None)

    def text(self, start: int | None, end: int | None) -> str:
        """The text from one token to before another; empty when it does not begin."""
        if start is None:
            return ""
        last = len(self._tokens) if end is None else end
        if start >= last:
            return ""
        return self._text[self._tokens[start].start : self._tokens[last - 1].end]


def _outer_words(tokens: tuple[Token, ...]) -> Iterator[tuple[int, str]]:
    depth, before = 0, ""
    for at, token in enumerate(tokens):
        word = token.text.lower()
        depth += (word in ("(", "[")) - (word in (")", "]"))
        if depth == 0 and token.kind == "keyword" and not (word == "from" and before == "distinct"):
            yield at, word
        before = word


def _of_select(parsed: Parsed) -> str:
    return parsed.text


def _of_delete(parsed: Parsed) -> str | None:
    """`DELETE FROM t USING u WHERE w` to `SELECT 1 FROM t, u WHERE w`."""
    clauses = _Clauses(parsed)
    start = clauses.first("delete")
    if start is None or _is_positioned(parsed.body):
        return None
    using, where, returning = (clauses.first(word, start) for word in ("using", "where", "returning"))
    target = clauses.text(start + 2, _next(using, where, returning))
    others = clauses.text(using + 1, _next(where, returning)) if using is not None else ""
    return _select(clauses.text(0, start), "1", [target, others], clauses.text(where, returning))


def _of_update(parsed: Parsed) -> str | None:
    """`UPDATE t SET a = (SELECT …) FROM u WHERE w` to `SELECT (SELECT …) FROM t, u WHERE w`."""
    clauses = _Clauses(parsed)
    start = clauses.first("update")
    assigning = clauses.first("set", start) if start is not None else None
    if start is None or assigning is None or _is_positioned(parsed.body):
        return None
    where, returning = (clauses.first(word, assigning) for word in ("where", "returning"))
    source = clauses.first("from", assigning) if "fromClause" in parsed.body else None
    others = clauses.text(source + 1, _next(where, returning)) if source is not None else ""
    outputs = _subqueries(parsed)
    target = clauses.text(start + 1, assigning)
    return _select(clauses.text(0, start), outputs or "1", [target, others], clauses.text(where, returning))


def _of_insert(parsed: Parsed) -> str | None:
    """The query of `INSERT INTO t SELECT …`; None for VALUES and DEFAULT VALUES, which read nothing."""
    query = parsed.body.get("selectStmt", {}).get("SelectStmt", {})
    clauses = _Clauses(parsed)
    start = clauses.first("insert")
    if start is None or not query or "valuesLists" in query:
        return None
    end = _next(clauses.first("returning", start), _conflict(parsed, clauses, start))
    begins = [at for word in ("select", "with") if (at := clauses.first(word, start)) is not None]
    if not begins:
        return None
    return f"{clauses.text(0, start)} {clauses.text(min(begins), end)}".strip()


def _conflict(parsed: Parsed, clauses: _Clauses, start: int) -> int | None:
    """Where ON CONFLICT begins."""
    conflict = clauses.first("conflict", start) if "onConflictClause" in parsed.body else None
    return None if conflict is None else conflict - 1


def _is_positioned(body: Node) -> bool:
    """WHERE CURRENT OF a cursor."""
    return any(kind == "CurrentOfExpr" for kind, _ in walk(body))


def _subqueries(parsed: Parsed) -> str:
    """The subqueries that an UPDATE assigns to single columns."""
    found = []
    for target in parsed.body.get("targetList", ()):
        link = target.get("ResTarget", {}).get("val", {}).get("SubLink")
        if link is not None and link.get("subLinkType") == "EXPR_SUBLINK":
            at = parsed.positions[int(link.get("location", 0))]
            found.append(parsed.text[parsed.tokens[at].start : parsed.tokens[_closing(parsed.tokens, at)].end])
    return ", ".join(found)


def _closing(tokens: tuple[Token, ...], opening: int) -> int:
    """The place of the parenthesis that closes the one at `opening`."""
    depth = 0
    for at in range(opening, len(tokens)):
        depth += (tokens[at].text == "(") - (tokens[at].text == ")")
        if depth == 0:
            return at
    return len(tokens) - 1


def _next(*places: int | None) -> int | None:
    return min((place for place in places if place is not None), default=None)


def _select(before: str, outputs: str, sources: list[str], where: str) -> str:
    tables = ", ".join(source for source in sources if source)
    return " ".join(part for part in (before, "SELECT", outputs, "FROM", tables, where) if part)
