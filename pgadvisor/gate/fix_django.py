"""Django's migrations in their safe form: its own operations where it has some, SQL beside the state where not."""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence

from pgadvisor.gate.fix import FixedMigration
from pgadvisor.gate.fix_alembic import NOT_ALONE
from pgadvisor.gate.fix_operations import (
    SETTING,
    ChangedOperation,
    OperationCode,
    PythonFix,
    changed_operations,
)
from pgadvisor.gate.fix_python import Edit, PythonFile, imports, indented, sql_list, sql_literal

OPERATIONS = "django.contrib.postgres.operations"
_INDEX = re.compile(r"\A((?:CREATE|DROP)(?: UNIQUE)? INDEX) (?!CONCURRENTLY\b)", re.IGNORECASE)
_OWN = {"AddIndex": "AddIndexConcurrently", "RemoveIndex": "RemoveIndexConcurrently"}
_NOOP = "migrations.RunSQL.noop"
_STEP = "    "
_SWAPPED_LATER = "# AlterField, and the change of the model, belong into the migration that ends it\n"
_RESET = f'migrations.RunSQL("RESET lock_timeout", {_NOOP})'


class _Class:
    """The class Migration of a file."""

    def __init__(self, file: PythonFile) -> None:
        self.file = file
        self.node = next(
            (each for each in file.tree.body if isinstance(each, ast.ClassDef) and each.name == "Migration"), None
        )
        listed = self._value("operations")
        self.elements = tuple(listed.elts) if isinstance(listed, ast.List | ast.Tuple) else ()

    def _value(self, name: str) -> ast.expr | None:
        for each in self.node.body if self.node else ():
            if isinstance(each, ast.Assign) and [ast.unparse(one) for one in each.targets] == [name]:
                return each.value
        return None

    @property
    def atomic(self) -> ast.expr | None:
        """What it says of its transaction."""
        return self._value("atomic")

    def at(self, line: int) -> ast.Call | None:
        """The operation that begins on that line, and shares it with no other."""
        found = [each for each in self.elements if each.lineno == line]
        return found[0] if len(found) == 1 and isinstance(found[0], ast.Call) else None


def django_fix(fixed: FixedMigration, file: PythonFile | None) -> PythonFix:
    """The migration with what can be rewritten rewritten, and the code of all that changes."""
    migration = _Class(file) if file else None
    operations = changed_operations(fixed)
    codes: list[OperationCode] = []
    written: list[tuple[ChangedOperation, ast.Call, str]] = []
    for each in operations:
        call = migration.at(each.line) if migration else None
        why = _why(file, call, each)
        code = ",\n".join(_elements(each, file, call))
        codes.append(OperationCode(line=each.line, code=_shown(each, code), why=why))
        if why is None and call is not None:
            written.append((each, call, code))
    if migration is None or not written:
        return PythonFix(text=None, codes=tuple(codes))
    text = migration.file.edited(_edits(migration, fixed, written))
    if text is None:
        codes = [OperationCode(line=each.line, code=each.code, why=each.why or NOT_ALONE) for each in codes]
        return PythonFix(text=None, codes=tuple(codes))
    return PythonFix(text=text, codes=tuple(codes), written=tuple(each for each, _, _ in written))


def _why(file: PythonFile | None, call: ast.Call | None, operation: ChangedOperation) -> str | None:
    """Why the operation is left to a person."""
    if operation.other_end:
        return operation.other_end
    if file is None or call is None or not imports(file.tree, "django.db", "migrations"):
        return NOT_ALONE
    if operation.core == operation.before:
        return None
    if _name(call) == "SeparateDatabaseAndState" or not file.is_fixed(call):
        return NOT_ALONE
    if _name(call) == "RunSQL" and _script(call) is None:
        return NOT_ALONE
    return None


def _name(call: ast.Call) -> str:
    """`AddIndex` of `migrations.AddIndex(…)`."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _argument(call: ast.Call, number: int, name: str) -> ast.expr | None:
    named = next((each.value for each in call.keywords if each.arg == name), None)
    return named or (call.args[number] if len(call.args) > number else None)


def _script(call: ast.Call) -> ast.expr | None:
    """The SQL of a RunSQL."""
    found = _argument(call, 0, "sql")
    return None if isinstance(found, ast.Starred) else found


def _elements(operation: ChangedOperation, file: PythonFile | None, call: ast.Call | None) -> Iterator[str]:
    """The elements of `operations` in place of one."""
    settings = operation.settings if operation.has_settings_first else ()
    own = _own(operation, file, call) if file and call and operation.has_settings_first else None
    if own is not None:
        yield from (f"migrations.RunSQL({sql_literal(each)}, {_NOOP})" for each in settings)
        yield from own
    elif operation.other_end and call and _name(call) in ("RunSQL", "AlterField"):
        yield (_SWAPPED_LATER if _name(call) == "AlterField" else "") + _beside_state(operation, None)
    elif file and call and _name(call) == "RunSQL" and (script := _script(call)) is not None:
        start = file.start(call)
        source = file.segment(call)
        lines = indented(sql_list(operation.after), file.indent(script))
        made = lines.removeprefix(file.indent(script))
        text = source[: file.start(script) - start] + made + source[file.end(script) - start :]
        yield file.shifted(call, text)
    else:
        yield _beside_state(operation, file.shifted(call) if file and call else None)
    for each in operation.extras:
        back = sql_list(operation.dropped_extras)
        yield f"migrations.RunSQL(\n{indented(f'{sql_list([each])},', _STEP)}\n{indented(f'{back},', _STEP)}\n)"


def _own(operation: ChangedOperation, file: PythonFile, call: ast.Call) -> list[str] | None:
    """The operation itself, or the one that Django has for its safe form."""
    core, source = operation.core, file.shifted(call)
    if core == operation.before:
        return [source]
    name = _name(call)
    if name in _OWN and len(core) == 1 and "INDEX CONCURRENTLY" in core[0]:
        return [_called(file, call, _OWN[name])]
    if name == "AddConstraint" and len(core) == 2 and re.search(r"\bCHECK\b.* NOT VALID\Z", core[0], re.DOTALL):
        model, constraint = _argument(call, 0, "model_name"), _argument(call, 1, "constraint")
        named = _argument(constraint, -1, "name") if isinstance(constraint, ast.Call) else None
        if model is not None and isinstance(named, ast.Constant):
            model_text, name_text = file.segment(model), file.segment(named)
            validated = f"ValidateConstraint(model_name={model_text}, name={name_text})"
            return [_called(file, call, "AddConstraintNotValid"), validated]
    return None


def _called(file: PythonFile, call: ast.Call, name: str) -> str:
    """The call with another function's name."""
    return file.shifted(call, name + file.segment(call)[file.end(call.func) - file.start(call) :])


def _beside_state(operation: ChangedOperation, source: str | None) -> str:
    """What is done to the database, and beside it what Django shall know."""
    back = operation.undo if operation.other_end else operation.back
    if back is None:
        reverse = ""
    elif not back:
        reverse = f"\n{_STEP}{_NOOP},"
    else:
        if operation.is_apart:
            back = tuple(_INDEX.sub(r"\1 CONCURRENTLY ", each) for each in back)
        reverse = "\n" + indented(f"{sql_list(back)},", _STEP)
    run = f"migrations.RunSQL(\n{indented(f'{sql_list(operation.after)},', _STEP)}{reverse}\n),"
    if source is None:
        return run.removesuffix(",")
    return (
        "migrations.SeparateDatabaseAndState(\n"
        f"{_STEP}database_operations=[\n{indented(run, _STEP * 2)}\n{_STEP}],\n"
        f"{_STEP}state_operations=[\n{indented(f'{source},', _STEP * 2)}\n{_STEP}],\n)"
    )


def _edits(
    migration: _Class, fixed: FixedMigration, written: Sequence[tuple[ChangedOperation, ast.Call, str]]
) -> Iterator[Edit]:
    """All that changes in the file."""
    file = migration.file
    operations = [each for each, _, _ in written]
    leaves = any(each.is_apart for each in operations)
    for _, call, code in written:
        indent = file.indent(call)
        if file.text[file.line_start(call) : file.start(call)].strip():
            indent += _STEP
        yield Edit(file.start(call), file.end(call), _out_of_transaction(indented(code, indent), leaves)[len(indent) :])
    if leaves:
        yield from _not_atomic(migration)
        done = {call.lineno for _, call, _ in written}
        yield from _atomic_functions(migration, done)
    yield from _imports(file, [code for _, _, code in written])
    if _lasts(operations, leaves) and not _puts_off(fixed):
        last = migration.elements[-1]
        indent = file.indent(last) + (_STEP if file.text[file.line_start(last) : file.start(last)].strip() else "")
        yield Edit(file.end(last), file.end(last), f",\n{indent}{_RESET}")


def _out_of_transaction(code: str, leaves: bool) -> str:
    """A setting for a transaction is for none where there is none."""
    return code.replace('"SET LOCAL lock_timeout', '"SET lock_timeout') if leaves else code


def _lasts(operations: Iterable[ChangedOperation], leaves: bool) -> bool:
    """Whether a setting would hold for the migrations after this one as well."""
    made = [each for operation in operations for each in operation.settings if SETTING.match(each)]
    return any(leaves or not each.upper().startswith("SET LOCAL") for each in made)


def _puts_off(fixed: FixedMigration) -> bool:
    """Whether Django runs statements after its last operation."""
    lines = [each.line for each in fixed.before.up]
    return lines != sorted(lines)


def _not_atomic(migration: _Class) -> Iterator[Edit]:
    file, atomic, node = migration.file, migration.atomic, migration.node
    if atomic is not None:
        yield Edit(file.start(atomic), file.end(atomic), "False")
    elif node is not None:
        body = node.body[1:] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body
        at = file.line_start(body[0])
        yield Edit(at, at, f"{file.indent(body[0])}atomic = False\n")


def _atomic_functions(migration: _Class, done: set[int]) -> Iterator[Edit]:
    """Python that ran in the migration's transaction has one of its own then."""
    file = migration.file
    for each in migration.elements:
        if not isinstance(each, ast.Call) or _name(each) != "RunPython":
            continue
        if each.lineno not in done and not any(keyword.arg in ("atomic", None) for keyword in each.keywords):
            last = max((*each.args, *(keyword.value for keyword in each.keywords)), key=file.end)
            yield Edit(file.end(last), file.end(last), ", atomic=True")


def _imports(file: PythonFile, codes: Sequence[str]) -> Iterator[Edit]:
    names = [each for each in _new_names(codes) if not imports(file.tree, OPERATIONS, each)]
    first = next((each for each in file.tree.body if isinstance(each, ast.Import | ast.ImportFrom)
                  and getattr(each, "module", None) != "__future__"), None)  # fmt: skip
    if names and first is not None:
        at = file.line_start(first)
        yield Edit(at, at, f"from {OPERATIONS} import {', '.join(names)}\n")


def _new_names(codes: Iterable[str]) -> list[str]:
    known = (*_OWN.values(), "AddConstraintNotValid", "ValidateConstraint")
    text = "\n".join(codes)
    return sorted(each for each in known if re.search(rf"(?<![\w.]){each}\(", text))


def _shown(operation: ChangedOperation, code: str) -> str:
    """The code for a reader, with what it needs elsewhere in the file."""
    names = _new_names([code])
    head = [f"from {OPERATIONS} import {', '.join(names)}"] if names else []
    if operation.is_apart:
        code = _out_of_transaction(code, leaves=True)
        head.append("atomic = False  # of the class Migration")
    return "\n".join((*head, *([""] if head else []), f"{code},"))
