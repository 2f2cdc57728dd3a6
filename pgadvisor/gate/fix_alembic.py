"""Alembic's revisions in their safe form: calls of `op` in blocks that leave the transaction, and `op.execute`."""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pgadvisor.gate.fix import FixedMigration
from pgadvisor.gate.fix_operations import (
    SETTING,
    ChangedOperation,
    OperationCode,
    PythonFix,
    changed_operations,
)
from pgadvisor.gate.fix_python import Edit, PythonFile, indented, sql_literal, with_keyword

BLOCK = "with op.get_context().autocommit_block():"
_PARAMETER = re.compile(r"(?<![:\w\\]):(?=\w+(?!:))")
"""What SQLAlchemy's text() reads as a parameter: a colon before a name; a backslash guards it."""
_CONCURRENTLY = re.compile(r"\A(?:CREATE|DROP)\b.*?\bINDEX CONCURRENTLY\b", re.IGNORECASE)
_STEP = "    "
NOT_ALONE = "its operation stands in a loop, a function or a batch, or takes what only a run can tell"


class _Place(NamedTuple):
    """Where an operation stands."""

    statement: ast.Expr
    call: ast.Call
    is_outside: bool
    """In a block that has left the transaction already."""


def alembic_fix(fixed: FixedMigration, file: PythonFile | None) -> PythonFix:
    """The revision with what can be rewritten rewritten, and the code of all that changes."""
    places = list(_places(file)) if file else []
    edits: list[Edit] = []
    written: list[ChangedOperation] = []
    codes: list[OperationCode] = []
    block_end: int | None = None
    for operation in changed_operations(fixed):
        place = next((each for each in places if _holds(each, operation.line)), None)
        why = _why(file, place, operation)
        codes.append(OperationCode(line=operation.line, code=_shown(operation, file, place), why=why))
        if why or file is None or place is None:
            continue
        goes_on = block_end is not None and not file.text[block_end : file.start(place.statement)].strip()
        edits.append(_edit(file, place, operation, goes_on=goes_on))
        written.append(operation)
        block_end = file.end(place.statement) if operation.is_apart and not place.is_outside else None
    if file is None or not written:
        return PythonFix(text=None, codes=tuple(codes))
    text = file.edited((*edits, *_around(file, written)))
    if text is None:
        codes = [OperationCode(line=each.line, code=each.code, why=each.why or NOT_ALONE) for each in codes]
        return PythonFix(text=None, codes=tuple(codes))
    return PythonFix(text=text, codes=tuple(codes), written=tuple(written))


def _why(file: PythonFile | None, place: _Place | None, operation: ChangedOperation) -> str | None:
    """Why the operation is left to a person."""
    if operation.other_end:
        return operation.other_end
    if file is None or place is None:
        return NOT_ALONE
    if operation.core != operation.before and not file.is_fixed(place.call):
        return NOT_ALONE
    if operation.extras and _first(file, "downgrade") is None:
        return "there is no downgrade() that could drop the new index"
    return None


def _function(tree: ast.Module, name: str) -> ast.FunctionDef | None:
    return next((each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == name), None)


def _first(file: PythonFile, name: str) -> ast.stmt | None:
    """The statement before which others can be put at the beginning of a function."""
    function = _function(file.tree, name)
    if function is None:
        return None
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[0] if body and file.is_alone(body[0]) else None


def _places(file: PythonFile) -> Iterator[_Place]:
    function = _function(file.tree, "upgrade")
    if function is not None:
        yield from _inside(file, function.body, is_outside=False)


def _inside(file: PythonFile, body: Sequence[ast.stmt], *, is_outside: bool) -> Iterator[_Place]:
    """The calls of `op` that run once at most."""
    for each in body:
        if isinstance(each, ast.Expr) and isinstance(each.value, ast.Call) and file.is_alone(each):
            if _operation(each.value) not in (None, "get_bind", "get_context", "run_async", "invoke"):
                yield _Place(each, each.value, is_outside)
        elif isinstance(each, ast.If):
            yield from _inside(file, [*each.body, *each.orelse], is_outside=is_outside)
        elif isinstance(each, ast.With) and _is_block(each):
            yield from _inside(file, each.body, is_outside=True)


def _operation(call: ast.Call) -> str | None:
    """`create_index` of `op.create_index(…)`."""
    function = call.func
    is_op = isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "op"
    return function.attr if is_op and isinstance(function, ast.Attribute) else None


def _is_block(statement: ast.With) -> bool:
    calls = [each.context_expr for each in statement.items]
    return all(
        isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr == "autocommit_block"
        for each in calls
    )


def _holds(place: _Place, line: int) -> bool:
    return place.statement.lineno <= line <= (place.statement.end_lineno or 0)


def _edit(file: PythonFile, place: _Place, operation: ChangedOperation, *, goes_on: bool) -> Edit:
    """The operation replaced; `goes_on`: the block of the one before holds it as well."""
    indent = file.indent(place.statement)
    if operation.core == operation.before and not operation.is_apart and not operation.extras:
        settings = "".join(f"{_execute(each)}\n{indent}" for each in operation.settings)
        return Edit(file.start(place.statement), file.start(place.statement), settings)
    step = "\t" if "\t" in indent else _STEP
    code = "\n".join(_lines(operation, file, place))
    if operation.is_apart and not place.is_outside:
        body = indented(code, indent + step)
        text = body.removeprefix(indent) if goes_on else f"{BLOCK}\n{body}"
    else:
        text = indented(code, indent).removeprefix(indent)
    return Edit(file.start(place.statement), file.end(place.statement), text)


def _lines(operation: ChangedOperation, file: PythonFile | None, place: _Place | None) -> Iterator[str]:
    """The statements of Python in place of the operation."""
    own = _own_call(operation, file, place) if file and place else None
    if own is not None:
        yield from (_execute(each) for each in operation.settings)
        yield from own
    else:
        is_one = len(operation.before) == 1 and file is not None and place is not None
        for each in operation.after:
            is_kept = is_one and each == operation.before[0]
            yield file.shifted(place.call) if is_kept and file and place else _execute(each)
    yield from (_execute(each) for each in operation.extras)


def _own_call(operation: ChangedOperation, file: PythonFile, place: _Place) -> list[str] | None:
    """The operation's own call, with a word more where that says it."""
    core, source = operation.core, file.shifted(place.call)
    if not operation.has_settings_first:
        return None
    if core == operation.before:
        return [source]
    if len(operation.before) != 1:
        return None
    name = _operation(place.call)
    if name in ("create_index", "drop_index") and len(core) == 1 and _CONCURRENTLY.match(core[0]):
        made = with_keyword(file, place.call, "postgresql_concurrently=True")
        return [made] if made else None
    if name in ("create_foreign_key", "create_check_constraint") and _is_named(place.call) and _is_checked_later(core):
        made = with_keyword(file, place.call, "postgresql_not_valid=True")
        return [made, _execute(core[1])] if made else None
    return None


def _is_named(call: ast.Call) -> bool:
    """Whether a constraint has a name in the call that makes it."""
    first = call.args[0] if call.args else None
    return isinstance(first, ast.Call) or (isinstance(first, ast.Constant) and bool(first.value))


def _is_checked_later(core: Sequence[str]) -> bool:
    return len(core) == 2 and core[0].endswith(" NOT VALID") and " VALIDATE CONSTRAINT " in core[1]


def _execute(statement: str) -> str:
    guarded = _PARAMETER.sub(r"\:", re.sub(r"\\(?=:)", r"\\\\", statement))
    return f"op.execute({sql_literal(guarded)})"


def _around(file: PythonFile, written: Iterable[ChangedOperation]) -> Iterator[Edit]:
    """What stands at the end of upgrade() and at the beginning of downgrade() besides."""
    done = list(written)
    function = _function(file.tree, "upgrade")
    if function is not None and any(_outlasts(each) for operation in done for each in operation.settings):
        last = function.body[-1]
        ends = isinstance(last, ast.Return | ast.Raise)
        at = file.line_start(last) if ends else file.line_after(last)
        gap = "" if at == 0 or file.text[at - 1] in "\r\n" else "\n"
        yield Edit(at, at, f'{gap}{file.indent(function.body[0])}op.execute("RESET lock_timeout")\n')
    first = _first(file, "downgrade")
    dropped = [each for operation in reversed(done) for each in operation.dropped_extras]
    if first is not None and dropped:
        at = file.line_start(first)
        yield Edit(at, at, indented(_dropping(dropped), file.indent(first)) + "\n")


def _outlasts(setting: str) -> bool:
    """Whether it holds for the revisions after this one as well."""
    return SETTING.match(setting) is not None and not setting.upper().startswith(("SET LOCAL", "RESET"))


def _dropping(statements: Sequence[str]) -> str:
    lines = "\n".join(map(_execute, statements))
    return f"{BLOCK}\n{indented(lines, _STEP)}" if any(" CONCURRENTLY " in each for each in statements) else lines


def _shown(operation: ChangedOperation, file: PythonFile | None, place: _Place | None) -> str:
    """The code for a reader, with what belongs into downgrade()."""
    code = "\n".join(_lines(operation, file, place))
    if operation.is_apart and not (place and place.is_outside):
        code = f"{BLOCK}\n{indented(code, _STEP)}"
    back = (*operation.dropped_extras, *(operation.undo if operation.other_end else ()))
    if not back:
        return code
    told = "instead of what takes the short way back" if operation.other_end else "before the rest"
    return f"{code}\n\n# in downgrade(), {told}:\n{_dropping(back)}"
