"""The gate before EXPLAIN ANALYZE: what a statement would run is known and harmless, or it is not run.

A read-only transaction stops writes, and not much else: dblink, advisory locks, pg_notify, pg_sleep, set_config,
lo_create, pg_terminate_backend, pg_read_file all go through it. So the parse tree is walked, every function and
operator in it is looked up, views, policies and the bodies of SQL functions too, and what is not known is not run.

The planner runs code as well: immutable functions of constants, and stable ones for its estimates. A function of users
that is marked so, and whose body is not known to be harmless, keeps a statement even from being planned, unless it only
ever gets columns.
"""

from collections.abc import Iterator

from pgadvisor.collect.safety_catalog import (
    FIRST_USER_OID,
    HARMLESS,
    NOT_HARMLESS,
    READS_VALUES,
    TRUSTED_EXTENSIONS,
    Cast,
    Function,
    Relation,
    SafetyCatalog,
)
from pgadvisor.collect.safety_names import Names, names_in
from pgadvisor.model.record import Record

_DEPTH = 32
"""Views of views and functions of functions, at most: deeper ones are not known."""


class Verdict(Record):
    """Whether a statement may be run, and whether it may be planned."""

    may_run: bool
    may_plan: bool = True
    reason: str | None = None
    """Why not, as a clause: `calls nextval, which is volatile`."""
    filtered: tuple[str, ...] = ()
    """Tables to which row security adds policies, for the reading role as for others."""


class Objection(Record):
    """One reason against running a statement."""

    reason: str
    blocks_planning: bool = False


class Judge:
    """Judges statements by what one server says of the things they name."""

    def __init__(self, catalog: SafetyCatalog) -> None:
        self._catalog = catalog

    def judge(self, text: str, *, may_write: bool = False) -> Verdict:
        """The verdict on the text of one statement, as it would be sent.

        `may_write`: that it writes or locks rows is no objection, as it is run on a copy and rolled back. What its
        triggers would do is not judged.
        """
        inspection = _Inspection(self._catalog)
        objections = list(inspection.of(names_in(text, may_write=may_write)))
        blocking = [each for each in objections if each.blocks_planning]
        first = next(iter([*blocking, *objections]), None)
        return Verdict(
            may_run=not objections,
            may_plan=not blocking,
            reason=first.reason if first else None,
            filtered=tuple(sorted(inspection.filtered)),
        )


class _Inspection:
    """One statement's inspection: what was seen is not looked at twice."""

    def __init__(self, catalog: SafetyCatalog) -> None:
        self._catalog = catalog
        self._seen: set[tuple[str, int]] = set()
        self._in_play: set[int] = set()
        self._writes: frozenset[str] = frozenset()
        self.filtered: set[str] = set()

    def of(self, names: Names, depth: int = 0) -> Iterator[Objection]:
        """The objections to what the names mean; `depth` 0 is the statement itself."""
        if depth > _DEPTH:
            yield Objection(reason="nests views or functions too deeply")
            return
        if names.objection:
            yield Objection(reason=names.objection)
        self._writes |= names.writes
        yield from self._relations(names, depth)
        yield from self._types(names, depth)
        yield from self._functions(names, depth)
        yield from self._operators(names, depth)
        yield from self._casts(names, depth)

    def _relations(self, names: Names, depth: int) -> Iterator[Objection]:
        for name in sorted(names.relations, key=str):
            relation = self._catalog.relation(name)
            if relation is None:
                if not (name[0] is None and name[1] in names.ctes):
                    yield Objection(reason=f"names {name[1]}, which is not found")
            elif ("relation", relation.oid) not in self._seen:
                self._seen.add(("relation", relation.oid))
                yield from self._relation(relation, depth)

    def _relation(self, relation: Relation, depth: int) -> Iterator[Objection]:
        self._in_play.update(relation.user_types)
        if relation.kind == "f":
            yield Objection(reason=f"reads {relation.label}, a foreign table")
        if relation.has_foreign_child:
            yield Objection(reason=f"reads {relation.label}, which has a foreign table below it")
        if relation.kind == "c":
            yield Objection(reason=f"names {relation.label}, which is no table")
        if relation.kind == "v":
            yield from self._text(self._catalog.view(relation), f"the view {relation.label}", depth)
        if relation.has_row_security:
            self.filtered.add(relation.label)
            for policy in self._catalog.policies.get(relation.oid, ()):
                yield from self._text(f"SELECT {policy}", f"the row security of {relation.label}", depth)
        for oid in relation.user_types:
            if (reason := self._strange_type(oid)) is not None:
                yield Objection(reason=f"reads {relation.label}, which has a column of {reason}")
        if self._writes:
            yield from self._writing(relation, depth)

    def _writing(self, relation: Relation, depth: int) -> Iterator[Objection]:
        """Objections to planning a write: the planner runs what it can of defaults, and plans what rules add."""
        if relation.has_rules:
            yield Objection(reason=f"writes {relation.label}, which has rules", blocks_planning=True)
        for oid in relation.writing_functions if self._writes - {"DeleteStmt"} else ():
            yield from self._by_oid(oid, f"fills {relation.label} by", depth)

    def _text(self, text: str | None, what: str, depth: int) -> Iterator[Objection]:
        if text is None:
            yield Objection(reason=f"reads {what}, whose definition could not be read")
            return
        for each in self.of(names_in(text), depth + 1):
            yield Objection(reason=f"{each.reason} (in {what})", blocks_planning=each.blocks_planning)

    def _types(self, names: Names, depth: int) -> Iterator[Objection]:
        for name in sorted(names.types, key=str):
            found = self._catalog.type(name)
            relation = self._catalog.relation(name) if name[0] != "pg_catalog" else None
            if relation is not None and relation.kind != "c":
                yield Objection(reason=f"casts to {name[1]}, a row type")
            if found is not None:
                yield from self._values_of(found.oid, "casts to", depth)

    def _values_of(self, oid: int, verb: str, depth: int) -> Iterator[Objection]:
        """Objections to making values of a type that is not PostgreSQL's own: the CHECKs of a domain are run."""
        if (reason := self._strange_type(oid)) is not None:
            yield Objection(reason=f"{verb} {reason}")
        found = self._catalog.type_by_oid.get(oid)
        while found is not None and ("type", found.oid) not in self._seen:
            self._seen.add(("type", found.oid))
            for check in found.checks:
                yield from self._text(f"SELECT {check}", f"the CHECK of the domain {found.schema}.{found.name}", depth)
            found = self._catalog.type_by_oid.get(found.inner_type)

    def _strange_type(self, oid: int) -> str | None:
        """Why a type is not known to be harmless: it may have functions of users for its values."""
        for _ in range(_DEPTH):
            found = self._catalog.type_by_oid.get(oid)
            if found is None:
                return None if oid < FIRST_USER_OID else "a row type"
            self._in_play.add(oid)
            if found.kind == "e" or found.extension in TRUSTED_EXTENSIONS:
                return None
            if not found.inner_type or found.kind not in ("b", "d"):
                return f"the type {found.schema}.{found.name}"
            oid = found.inner_type
        return "a type that nests too deeply"

    def _functions(self, names: Names, depth: int) -> Iterator[Objection]:
        for name in sorted(names.functions, key=str):
            found = self._catalog.functions(name)
            if not found:
                yield Objection(reason=f"calls {name[1]}, which is not known")
            gets_columns = depth == 0 and name in names.row_functions and not self._has_constants(names)
            for function in found:
                is_foldable = not gets_columns or function.has_user_defaults
                yield from self._function(function, "calls", depth, is_foldable=is_foldable)
        for column in sorted(names.columns):
            for function in self._catalog.functions((None, column)):
                if function.takes_row:
                    yield from self._function(function, "may call", depth, is_foldable=True)

    def _has_constants(self, names: Names) -> bool:
        """Whether what looks like a column may be a constant to the planner."""
        relations = (self._catalog.relation(name) for name in names.relations)
        return names.has_derived or any(each is not None and each.has_computed_columns for each in relations)

    def _function(self, function: Function, verb: str, depth: int, *, is_foldable: bool) -> Iterator[Objection]:
        """Objections to one function. `is_foldable`: the planner may find all its arguments constant and run it."""
        says = f"{verb} {function.label}"
        is_trusted = function.is_builtin or function.extension in TRUSTED_EXTENSIONS
        if is_trusted and function.name in HARMLESS:
            return
        if function.volatility == "v":
            yield Objection(reason=f"{says}, which is volatile")
            if function.language == "sql" and function.extension is None and not function.is_builtin:
                # The planner may put its body in place of the call, and run what it finds constant there.
                yield from (each for each in self._body(function, says, depth) if each.blocks_planning)
        elif function.is_builtin and function.name in NOT_HARMLESS:
            yield Objection(reason=f"{says}, which does more than it says", blocks_planning=True)
        elif function.is_builtin and function.name in READS_VALUES:
            yield Objection(reason=f"{says}, which reads values of any type")
        elif is_trusted:
            return
        elif function.extension is not None:
            yield Objection(reason=f"{says} of the extension {function.extension}, which is not known to be harmless")
        elif function.is_security_definer:
            yield Objection(
                reason=f"{says}, which runs with its owner's rights (SECURITY DEFINER)", blocks_planning=is_foldable
            )
        elif function.language == "sql":
            # A function that is marked stable and calls a volatile one would be run by the planner all the same.
            yield from (
                Objection(reason=each.reason, blocks_planning=True) for each in self._body(function, says, depth)
            )
        else:
            yield Objection(
                reason=f"{says}, a user's function in {function.language} whose body is not judged",
                blocks_planning=is_foldable,
            )

    def _body(self, function: Function, says: str, depth: int) -> Iterator[Objection]:
        """Objections to what a user's SQL function does."""
        if ("function", function.oid) in self._seen:
            return
        self._seen.add(("function", function.oid))
        if not function.body or function.kind != "f" or function.has_settings:
            yield Objection(reason=f"{says}, whose body is not judged", blocks_planning=True)
            return
        for oid in function.user_types:
            self._in_play.add(oid)
            yield from self._values_of(oid, f"{says}, which takes or gives", depth)
        for each in self.of(names_in(function.body), depth + 1):
            yield Objection(reason=f"{says}, which {each.reason}", blocks_planning=each.blocks_planning)

    def _operators(self, names: Names, depth: int) -> Iterator[Objection]:
        for name in sorted(names.operators, key=str):
            for operator in self._catalog.operators(name):
                operands = {operator.left_type, operator.right_type} - {0}
                if all(oid < FIRST_USER_OID or oid in self._in_play for oid in operands):
                    says = f"uses the operator {name[1]}, that is"
                    for each in self._by_oid(operator.function, says, depth):
                        # Estimating calls it with the most common values, whatever it is marked as.
                        is_run = operator.is_estimated and self._is_of_user(operator.function)
                        yield Objection(reason=each.reason, blocks_planning=each.blocks_planning or is_run)

    def _is_of_user(self, oid: int) -> bool:
        function = self._catalog.function_by_oid.get(oid)
        return function is not None and function.extension is None and not function.is_builtin

    def _casts(self, names: Names, depth: int) -> Iterator[Objection]:
        written = {name for _, name in names.types}
        for cast in self._catalog.casts:
            if {cast.source_type, cast.target_type} & self._in_play:
                yield from self._by_oid(cast.function, "may cast by", depth)
            elif _may_stand_anywhere(cast) and (cast.context == "i" or cast.target_name in written):
                # A name of the type tells little of whether it is this cast: that is no reason not to plan.
                function = self._catalog.function_by_oid.get(cast.function)
                if function is not None:
                    yield from self._function(function, "may cast by", depth, is_foldable=False)

    def _by_oid(self, oid: int, verb: str, depth: int) -> Iterator[Objection]:
        function = self._catalog.function_by_oid.get(oid)
        if function is None:
            yield Objection(reason=f"{verb} a function that is not known", blocks_planning=True)
        elif ("function", oid) not in self._seen:
            yield from self._function(function, verb, depth, is_foldable=True)


def _may_stand_anywhere(cast: Cast) -> bool:
    """Whether it leads from one of PostgreSQL's own types to another: every statement may have values of both."""
    return cast.source_type < FIRST_USER_OID and cast.target_type < FIRST_USER_OID
