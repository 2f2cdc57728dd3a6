"""Drafts of scopes while a statement is read: relations in scope, and what a column name means there."""

from dataclasses import dataclass, field
from typing import Any, Literal

from pgadvisor.model.finding import Span
from pgadvisor.sql.query import (
    ColumnUse,
    Comparison,
    JoinKind,
    Output,
    Place,
    Predicate,
    QueryKind,
    Scope,
    SortKey,
    TableUse,
)
from pgadvisor.sql.schema import SYSTEM_COLUMNS

RelationKind = Literal["table", "view", "cte", "subquery", "function", "values", "unknown"]


@dataclass(kw_only=True, eq=False)
class Relation:
    """A relation in scope."""

    alias: str
    kind: RelationKind
    table: str | None = None
    columns: tuple[str, ...] | None = None
    """None: not known."""
    renamed: dict[str, str] = field(default_factory=dict)
    """Of `t AS x (a, b)`: from its names here to the table's own."""
    sources: dict[str, tuple["Relation", str]] = field(default_factory=dict)
    """Of `(a JOIN b …) AS j`: where its columns come from."""
    inner: int | None = None
    join: JoinKind = "from"
    has_condition: bool = False
    conditions: list[str] = field(default_factory=list)
    is_lateral: bool = False
    is_target: bool = False
    is_sampled: bool = False
    uses_in_own_condition: int = 0
    is_used: bool = True
    is_listed: bool = True
    """False for `excluded` and a join's alias, which are no relations of their own."""
    is_hidden: bool = False
    """A join's alias stands before it: its columns are reached through that."""
    span: Span | None = None

    def has(self, column: str) -> bool:
        """Whether it surely has the column."""
        if self.columns is None:
            return False
        return column in self.columns or (self.table is not None and column in SYSTEM_COLUMNS)

    def column(self, name: str, scope: int) -> ColumnUse:
        """The use of one of its columns, `*` for all of a row."""
        if name in self.sources:
            relation, source = self.sources[name]
            return relation.column(source, scope)
        own = self.renamed.get(name, name)
        alias = None if self.kind == "subquery" and not self.is_listed else self.alias
        return ColumnUse(column=own, table=self.table, alias=alias, scope=scope)

    def use(self) -> TableUse:
        """The record of it."""
        return TableUse(
            alias=self.alias,
            kind=self.kind,
            table=self.table,
            inner=self.inner,
            join=self.join,
            has_condition=self.has_condition,
            conditions=tuple(self.conditions),
            is_lateral=self.is_lateral,
            is_target=self.is_target,
            is_sampled=self.is_sampled,
            is_used=self.is_used,
            span=self.span,
        )


@dataclass(kw_only=True, eq=False)
class Cte:
    """A name made by WITH."""

    name: str
    draft: "Draft"
    columns: tuple[str, ...] | None = None


@dataclass(kw_only=True, eq=False)
class Draft:
    """A scope that is being read."""

    number: int
    parent: "Draft | None" = None
    outer: "Draft | None" = None
    """The scope whose relations it may name: not its parent, for a derived table without LATERAL."""
    place: Place = "top"
    name: str | None = None
    relations: list[Relation] = field(default_factory=list)
    ctes: dict[str, Cte] = field(default_factory=dict)
    recursive: Cte | None = None
    """The recursive CTE whose body it is."""
    names: tuple[str, ...] | None = None
    """The names of its output columns; None: not known."""
    set_operation: str | None = None
    comparison: Comparison | None = None
    targets: list[dict[str, Any]] = field(default_factory=list)
    """The tree's ResTargets that the outputs were read from."""
    outputs: list[Output] = field(default_factory=list)
    predicates: list[Predicate] = field(default_factory=list)
    columns: dict[ColumnUse, None] = field(default_factory=dict)
    sort_keys: list[SortKey] = field(default_factory=list)
    group_keys: list[SortKey] = field(default_factory=list)
    correlated: dict[ColumnUse, None] = field(default_factory=dict)
    assigned: list[ColumnUse] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    """Fields of the Scope that are copied as they are."""
    references: int = 0
    write: QueryKind | None = None

    def scope(self) -> Scope:
        """The record of it."""
        return Scope(
            number=self.number,
            parent=None if self.parent is None else self.parent.number,
            place=self.place,
            name=self.name,
            set_operation=self.set_operation,
            comparison=self.comparison,
            tables=tuple(each.use() for each in self.relations if each.is_listed),
            outputs=tuple(self.outputs),
            predicates=tuple(self.predicates),
            columns=tuple(self.columns),
            sort_keys=tuple(self.sort_keys),
            group_keys=tuple(self.group_keys),
            correlated=tuple(self.correlated),
            assigned=tuple(self.assigned),
            references=self.references,
            write=self.write,
            **self.facts,
        )

    def cte(self, name: str) -> Cte | None:
        """The CTE of that name, here or further out."""
        draft: Draft | None = self
        while draft is not None:
            if name in draft.ctes:
                return draft.ctes[name]
            draft = draft.parent
        return None

    def resolve(self, name: tuple[str, ...]) -> ColumnUse:
        """What a column name means here. An outer column is noted as a correlation of every scope that it crosses."""
        crossed: list[Draft] = []
        draft: Draft | None = self
        while draft is not None:
            found = draft._local(name)
            if found is not None:
                if found.alias is not None:
                    for each in crossed:
                        each.correlated[found] = None
                return found
            crossed.append(draft)
            draft = draft.outer
        return ColumnUse(column=name[-1], scope=self.number)

    def _local(self, name: tuple[str, ...]) -> ColumnUse | None:
        """The column among this scope's own relations; None: not here; without alias: here, but not known whose."""
        if len(name) > 1:
            return self._qualified(name)
        column = name[0]
        knowing = [each for each in self.relations if each.has(column) and not each.is_hidden]
        if knowing:
            return self._use(column, knowing[0])
        whole = next((each for each in self.relations if each.alias == column and not each.is_hidden), None)
        if whole is not None:
            return self._use("*" if whole.kind != "function" else column, whole)
        unknown = [each for each in self.relations if each.columns is None and not each.is_hidden]
        if not unknown:
            return None
        if len(unknown) == 1:
            return self._use(column, unknown[0])
        return ColumnUse(column=column, scope=self.number)

    def _qualified(self, name: tuple[str, ...]) -> ColumnUse | None:
        alias, column = name[-2], name[-1]
        for each in self.relations:
            if each.alias == alias and not each.is_hidden and (len(name) == 2 or _names(each, name[:-1])):
                return self._use(column, each)
        return None

    def _use(self, column: str, relation: Relation) -> ColumnUse:
        return relation.column(column, self.number)


def _names(relation: Relation, written: tuple[str, ...]) -> bool:
    """Whether `schema.table` as written is that relation."""
    if relation.table is None:
        return False
    return relation.table == ".".join(written[-2:]) or "." not in relation.table
