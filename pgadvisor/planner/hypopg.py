"""What-if on the audited server, by its extension hypopg: the fallback where no twin is wanted.

Everything happens in read-only transactions, each of which takes back what it supposed (`hypopg_reset`) before it
ends. hypopg knows B-tree, hash, BRIN and bloom indexes, hides existing ones since 1.4, and knows nothing of other DDL:
what it cannot do is the answer's error. See https://hypopg.readthedocs.io.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

import msgspec
from psycopg import sql

from pgadvisor.errors import ServerError, WhatIfError
from pgadvisor.model.explain import read_explain
from pgadvisor.model.plan import PlanNode
from pgadvisor.model.whatif import NOTHING, Answer, Configuration, HypotheticalIndex, IndexSize, Question
from pgadvisor.planner.explaining import bare
from pgadvisor.planner.look_ups import look_ups

Found = TypeVar("Found")

HIDES_FROM = (1, 4)
PLANNING_TIMEOUT = "5s"
_OURS = frozenset({"search_path"})
_SIZE_DOUBT = "hypopg's own size, which knows nothing of deduplication: up to six times too big"

_INSTALLED = """
SELECT e.extversion AS version, n.nspname AS schema FROM pg_catalog.pg_extension AS e
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace
WHERE e.extname OPERATOR(pg_catalog.=) 'hypopg'
"""
_FIND = """
SELECT c.oid::pg_catalog.int8 AS oid, q.name OPERATOR(pg_catalog.=) $1 AS is_qualified FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
CROSS JOIN LATERAL pg_catalog.concat(n.nspname, '.', c.relname) AS q(name)
WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{i,I}'::"char"[])
    AND (q.name OPERATOR(pg_catalog.=) $1 OR c.relname OPERATOR(pg_catalog.=) $1)
"""
"""Either name may hold dots, so they are compared whole."""
_PARTS = "SELECT relid::pg_catalog.oid::pg_catalog.int8 AS oid FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid)"


class Door(Protocol):
    """A read-only session on the audited server."""

    version: str

    def rows(self, query: str | sql.Composable, params: tuple[object, ...] | None = None) -> list[dict[str, Any]]:
        """All rows of one statement; raises ServerError when the server refuses it."""

    def transaction(
        self, settings: Mapping[str, str] | None = None, *, roll_back: bool = False
    ) -> AbstractContextManager[Any]:
        """A read-only transaction in which the settings hold."""


class HypopgPlanner:
    """The `Planner` of a server that has hypopg."""

    def __init__(self, door: Door, search_path: str, judge: Callable[[str], str | None]) -> None:
        """`search_path`: as the setting's value; `judge` says why a text must not be planned there, None when it may.

        Raises WhatIfError where the database has no hypopg.
        """
        self._door = door
        self._search_path = search_path
        self._judge = judge
        installed = next(iter(door.rows(_INSTALLED)), None)
        if installed is None:
            raise WhatIfError(
                "hypopg is not installed in that database: CREATE EXTENSION hypopg, or use --planner twin"
            )
        self._schema: str = installed["schema"]
        self._version: str = installed["version"]
        self._can_hide = tuple(int(each) for each in re.findall(r"\d+", self._version)) >= HIDES_FROM
        self.label = f"hypopg {self._version}, PostgreSQL {door.version}"

    def plan(self, text: str, configuration: Configuration = NOTHING) -> Answer:
        """The plan of one statement."""
        return self.plan_all((text,), configuration)[0]

    def plan_all(self, texts: Sequence[str], configuration: Configuration = NOTHING) -> list[Answer]:
        """The plans of several statements, in their order."""
        settings = {"search_path": self._search_path, "statement_timeout": PLANNING_TIMEOUT}
        with self._door.transaction(settings, roll_back=True):
            try:
                names = self._attempt(lambda: self._suppose(configuration))
                found = {text: self._answer(text, names) for text in dict.fromkeys(texts)}
            except WhatIfError as error:
                return [Answer(error=str(error))] * len(texts)
            finally:
                self._take_back()
        return [found[text] for text in texts]

    def costs(self, questions: Sequence[Question]) -> list[list[Answer]]:
        """For each question the answers for its texts, without plans."""
        without = msgspec.structs.replace
        return [
            [without(each, plan=None) for each in self.plan_all(texts, configuration)]
            for configuration, texts in questions
        ]

    def sizes(self, indexes: Sequence[HypotheticalIndex]) -> list[IndexSize]:
        """How big hypopg takes each index to be."""
        return [self.size(index) for index in indexes]

    def size(self, index: HypotheticalIndex) -> IndexSize:
        """How big hypopg takes the index to be."""
        with self._door.transaction({"search_path": self._search_path}, roll_back=True):
            try:
                made = self._attempt(lambda: self._create(index))
                rows = self._call("SELECT {}(%s) AS size", "hypopg_relation_size", made["oid"])
                return IndexSize(size_bytes=int(rows[0]["size"]), doubts=(_SIZE_DOUBT,))
            except WhatIfError as error:
                return IndexSize(error=str(error))
            finally:
                self._take_back()

    def _suppose(self, configuration: Configuration) -> dict[str, str]:
        """Makes the configuration hold; gives the names that hypopg made up, each with the one asked for."""
        if configuration.ddl:
            raise WhatIfError("hypopg tries indexes and settings only: use --planner twin for other DDL")
        names = {}
        for index in configuration.create:
            names[self._create(index)["name"]] = index.name
        for name in configuration.hide:
            self._hide(name)
        self._door.rows("DISCARD PLANS")
        for name, value in configuration.settings:
            self._door.rows("SELECT pg_catalog.set_config($1, $2, true)", (name, value))
        return names

    def _create(self, index: HypotheticalIndex) -> dict[str, Any]:
        rows = self._call("SELECT indexrelid::pg_catalog.int8 AS oid, indexname AS name FROM {}(%s)",
                          "hypopg_create_index", index.definition)  # fmt: skip
        if not rows:
            raise WhatIfError(f"hypopg made no index of {index.definition}")
        return rows[0]

    def _hide(self, name: str) -> None:
        if not self._can_hide:
            raise WhatIfError(f"hypopg {self._version} cannot hide an index, 1.4 can: use --planner twin")
        for oid in with_parts(self._door, find_index(self._door, name)):
            self._call("SELECT {}(%s)", "hypopg_hide_index", oid)

    def _call(self, query: str, function: str, argument: object) -> list[dict[str, Any]]:
        """A call of one of hypopg's functions, wherever it is installed."""
        named = sql.Identifier(self._schema, function)
        return self._door.rows(sql.SQL(_ours(query.replace("%s", "$1"))).format(named), (argument,))

    def _answer(self, text: str, names: Mapping[str, str]) -> Answer:
        if (refused := self._judge(text)) is not None:
            return Answer(error=f"{refused}, and the planner itself might run it")
        try:
            rows = self._attempt(lambda: self._door.rows(f"EXPLAIN (FORMAT JSON, VERBOSE, SETTINGS) {text}"))
        except WhatIfError as error:
            return Answer(error=str(error))
        plan = read_explain(rows[0]["QUERY PLAN"])
        settings = tuple(each for each in plan.settings if each[0] not in _OURS)
        root = _renamed(plan.root, names)
        plan = msgspec.structs.replace(plan, root=root, settings=settings)
        return Answer(
            plan=plan,
            cost=root.total_cost,
            indexes_used=tuple(sorted(set(_used(root, None)))),
            look_ups=look_ups(bare(rows[0]["QUERY PLAN"]), lambda schema, name: f"{schema}.{names.get(name, name)}"),
        )

    def _attempt(self, work: Callable[[], Found]) -> Found:
        """Does the work in the open transaction, which goes on when the server refuses it. Raises WhatIfError."""
        self._door.rows("SAVEPOINT pgadvisor_whatif")
        try:
            return work()
        except WhatIfError:
            self._door.rows("ROLLBACK TO SAVEPOINT pgadvisor_whatif")
            raise
        except ServerError as error:
            if not hasattr(error, "sqlstate"):
                raise  # the connection is gone
            self._door.rows("ROLLBACK TO SAVEPOINT pgadvisor_whatif")
            raise WhatIfError(str(getattr(error, "message", error))) from error

    def _take_back(self) -> None:
        """No hypothetical index outlives the transaction: a pooled connection is someone else's next."""
        for name in (*(["hypopg_unhide_all_indexes"] if self._can_hide else []), "hypopg_reset"):
            self._door.rows(sql.SQL("SELECT {}()").format(sql.Identifier(self._schema, name)))
        self._door.rows("DISCARD PLANS")


def find_index(door: Door, name: str) -> int:
    """The oid of an index that is there: `schema.name`, or a bare name that is the only one. Raises WhatIfError."""
    rows = door.rows(_FIND, (name,))
    rows = [row for row in rows if row["is_qualified"]] or rows
    if len(rows) != 1:
        raise WhatIfError(f'there is no index "{name}"' if not rows else f'several indexes are called "{name}"')
    oid: int = rows[0]["oid"]
    return oid


def with_parts(door: Door, index: int) -> tuple[int, ...]:
    """The index and, of one of a partitioned table, those of the partitions, which are what plans use; all as oids."""
    rows = door.rows(_PARTS, (index,))
    return (index, *(row["oid"] for row in rows if row["oid"] != index))


def _renamed(node: PlanNode, names: Mapping[str, str]) -> PlanNode:
    """The plan with the names that were asked for: hypopg calls an index `<13543>btree_orders_customer_id`."""
    index = names.get(node.index, node.index) if node.index else None
    return msgspec.structs.replace(node, index=index, children=tuple(_renamed(each, names) for each in node.children))


def _used(node: PlanNode, schema: str | None) -> list[str]:
    """The indexes of the plan; a Bitmap Index Scan does not say the table, the heap scan above it does."""
    schema = node.schema or schema
    own = [f"{schema}.{node.index}" if schema else node.index] if node.index else []
    return own + [name for child in node.children for name in _used(child, schema)]


def _ours(text: str) -> Any:
    """A text of this module, for `sql.SQL`; psycopg types it as a literal."""
    return text
