"""What an index is to the writes of its table: which columns it holds, how many of the rows, where its entries go."""

import re

from pgadvisor.candidates.candidate import Candidate
from pgadvisor.facts import Facts
from pgadvisor.indexes.sizes import UNKNOWN_WIDTH, distinct_values, width
from pgadvisor.model.catalog import Column, Index, Table
from pgadvisor.model.record import Record
from pgadvisor.selection.entry_costs import Growth, entry_cost
from pgadvisor.sql.canonical import canonical
from pgadvisor.sql.nodes import constant, find, operator, parts, unwrap
from pgadvisor.sql.parse import Node, Unread, parse_tree

FEW_ENDS = 64
"""Keys behind so many different leading values go to as many pages at most, which stay in memory."""
GROWING_CORRELATION = 0.95
"""Values that follow the order of the rows so closely come in that order."""
SORTABLE = ("smallint", "integer", "bigint", "date", "timestamp", "uuid")
"""Types whose correlation shows growth; that of texts may come from a sorted load."""
_GROWING_DEFAULT = re.compile(
    r"\b(nextval|now|clock_timestamp|statement_timestamp|transaction_timestamp|uuidv7|uuid_generate_v7|gen_uuid_v7)\s*\("
    r"|\b(CURRENT_TIMESTAMP|LOCALTIMESTAMP|CURRENT_DATE)\b",
    re.IGNORECASE,
)
TRIGRAM_BYTES, ITEM_BYTES, JSON_BYTES, WORD_BYTES = 1.0, 8.0, 16.0, 8.0
"""Of a value, for each element that a GIN index keeps of it."""


class IndexTraits(Record):
    """An index, as far as its upkeep goes."""

    table: str
    """`schema.table`; of a partition its topmost parent."""
    columns: frozenset[str]
    """Every column that it holds or speaks of: keys, expressions, INCLUDE, predicate."""
    keys: tuple[str, ...]
    """Its keys in order: columns, or canonical expressions."""
    method: str = "btree"
    share: float = 1.0
    """Of the table's rows that it holds."""
    predicate_columns: frozenset[str] = frozenset()
    holds_new_rows: bool | None = None
    """Of a partial index: whether the defaults of its columns put a new row into it; None: they do not tell."""
    growth: Growth = "anywhere"
    """Where the keys of new rows go."""
    grows_by: str | None = None
    """The column that makes them grow."""
    width_bytes: float = 8.0
    elements: float = 1.0
    """Of a GIN index: how many a row has."""

    @property
    def entry(self) -> float:
        """What a new row's entry costs, in planner units."""
        return entry_cost(self.method, self.growth, self.width_bytes, self.elements)

    @property
    def moved_entry(self) -> float:
        """What the entry of a new version of an old row costs: beside the old one, wherever that is."""
        return entry_cost(self.method, "anywhere", self.width_bytes, self.elements)


def candidate_traits(facts: Facts, candidate: Candidate, rows: float | None = None) -> IndexTraits:
    """Of an index that may be proposed; `rows`: how many entries the planner expects."""
    table = facts.table(candidate.table)
    growth, grows_by = _growth(table, tuple((key.key, key.is_descending) for key in candidate.keys))
    rows = _known_rows(table, candidate) or rows
    held = [[column] for column in candidate.included] + [list(key.columns) for key in candidate.keys]
    first = candidate.keys[0] if candidate.keys else None
    return IndexTraits(
        table=candidate.table,
        columns=candidate.columns,
        keys=tuple(key.key for key in candidate.keys),
        method=candidate.method,
        share=_share(rows, facts.rows(candidate.table)) if candidate.predicate else 1.0,
        predicate_columns=frozenset(candidate.predicate_columns),
        holds_new_rows=_holds_new_rows(table, candidate.predicate),
        growth=growth,
        grows_by=grows_by,
        width_bytes=sum(_width(table, columns) for columns in held),
        elements=_elements(table, list(first.columns), first.operator_class, first.is_column) if first else 1.0,
    )


def _known_rows(table: Table | None, candidate: Candidate) -> float | None:
    """How many rows an index that is there with the same WHERE holds: more exact than what the planner expects, and a
    copy of it must not seem to cost less."""
    own = canonical(candidate.predicate) if candidate.predicate else None
    found = table.indexes if table else ()
    alike = (each.rows for each in found if each.is_valid and each.predicate and canonical(each.predicate) == own)
    return next((rows for rows in alike if rows is not None), None)


def index_traits(facts: Facts, table: Table, index: Index) -> IndexTraits:
    """Of an index that is there; `table`: the one it stands on."""
    top = topmost(facts, table)
    growth, grows_by = _growth(table, _directed(facts, index))
    held = [[column] for column in index.included]
    held += [[key.column] if key.column else sorted(_columns_in(key.text)) for key in index.keys]
    predicate_columns = _columns_in(index.predicate) if index.predicate else frozenset()
    first = index.keys[0] if index.keys else None
    rows = index.rows if index.predicate else facts.rows(table.qualified)
    in_key = held[len(index.included)] if first else []
    return IndexTraits(
        table=top.qualified,
        columns=frozenset(column for columns in held for column in columns) | predicate_columns,
        keys=facts.index_keys(index),
        method=index.method,
        share=1.0 if top is table and not index.predicate else _share(rows, facts.rows(top.qualified)),
        predicate_columns=predicate_columns,
        holds_new_rows=_holds_new_rows(table, index.predicate),
        growth=growth,
        grows_by=grows_by,
        width_bytes=sum(_width(table, columns) for columns in held),
        elements=_elements(table, in_key, first.operator_class, first.column is not None) if first else 1.0,
    )


def topmost(facts: Facts, table: Table) -> Table:
    """The table itself; of a partition the topmost parent."""
    while table.partition_of and (parent := facts.table(table.partition_of)):
        table = parent
    return table


def _directed(facts: Facts, index: Index) -> tuple[tuple[str, bool], ...]:
    return tuple((name, key.is_descending) for name, key in zip(facts.index_keys(index), index.keys, strict=True))


def _growth(table: Table | None, keys: tuple[tuple[str, bool], ...]) -> tuple[Growth, str | None]:
    """Where new keys go: few leading values may stand before one that grows, or before none (then rows decide)."""
    ends = 1.0
    for at, (name, is_descending) in enumerate(keys):
        column = table.column(name) if table else None
        if table is None or column is None:
            return "anywhere", None
        if is_growing(column):
            return ("right end" if at == 0 and not is_descending else "few ends"), name
        ends *= distinct_values(column, table.rows or float("inf"))
        if column.statistics is None or ends > FEW_ENDS:
            return "anywhere", None
    return ("few ends" if keys else "anywhere"), None


def is_growing(column: Column) -> bool:
    """Whether each new row has a greater value than all before it."""
    if column.is_identity or _GROWING_DEFAULT.search(column.default or ""):
        return True
    found = column.statistics
    return (
        found is not None
        and (found.correlation or 0.0) >= GROWING_CORRELATION
        and not 0 < found.n_distinct <= FEW_ENDS
        and column.type.startswith(SORTABLE)
    )


def _share(part: float | None, whole: float | None) -> float:
    """Of the rows; all, where it is not known."""
    return 1.0 if part is None or not whole else min(part / whole, 1.0)


def _columns_in(expression: str) -> frozenset[str]:
    """The columns that an expression names."""
    value = _tree_of(expression)
    return frozenset(parts(reference)[-1] for reference in find(value, "ColumnRef")) if value else frozenset()


def _holds_new_rows(table: Table | None, predicate: str | None) -> bool | None:
    """Whether a row with the defaults fulfils the predicate."""
    where = _tree_of(predicate) if predicate else None
    if where is None or table is None:
        return None
    kind, body = unwrap(where)
    conjuncts = body["args"] if kind == "BoolExpr" and body.get("boolop") == "AND_EXPR" else [where]
    found = [_is_true_of_default(table, each) for each in conjuncts]
    return None if None in found and False not in found else False not in found


def _is_true_of_default(table: Table, conjunct: Node) -> bool | None:
    kind, body = unwrap(conjunct)
    if kind == "NullTest" and (column := _column(table, body["arg"])):
        return (column.default is None) == (body.get("nulltesttype") == "IS_NULL")
    if kind == "BoolExpr" and body.get("boolop") == "NOT_EXPR" and (column := _column(table, body["args"][0])):
        return column.default == "false" if column.default else None
    if column := _column(table, conjunct):
        return column.default == "true" if column.default else None
    if kind == "A_Expr" and operator(body) == "=" and "lexpr" in body and (column := _column(table, body["lexpr"])):
        default, value = _constant_of(column.default), _constant(body["rexpr"])
        return default == value if default and value else None
    return None


def _column(table: Table, node: Node) -> Column | None:
    """The column that a node is, casts apart."""
    kind, body = unwrap(node)
    if kind == "TypeCast":
        return _column(table, body["arg"])
    return table.column(parts(body)[-1]) if kind == "ColumnRef" else None


def _constant_of(expression: str | None) -> str | None:
    value = _tree_of(expression) if expression else None
    return _constant(value) if value else None


def _tree_of(expression: str) -> Node | None:
    statements = parse_tree(f"SELECT {expression}")
    if isinstance(statements, Unread) or len(statements) != 1:
        return None
    targets = statements[0]["stmt"].get("SelectStmt", {}).get("targetList", ())
    found: Node | None = targets[0]["ResTarget"]["val"] if len(targets) == 1 else None
    return found


def _constant(node: Node) -> str | None:
    kind, body = unwrap(node)
    if kind == "TypeCast":
        return _constant(body["arg"])
    found = constant(node)
    return found[0] if found else None


def _width(table: Table | None, columns: list[str]) -> float:
    found = [table.column(name) for name in columns] if table else []
    return float(sum(width(column) for column in found if column) or UNKNOWN_WIDTH)


def _elements(table: Table | None, columns: list[str], operator_class: str | None, is_column: bool) -> float:
    """How many elements a row has in a GIN index, by the width of its value."""
    found = [column for name in columns if table and (column := table.column(name))]
    bytes_each = TRIGRAM_BYTES if operator_class == "gin_trgm_ops" else WORD_BYTES
    if is_column and found and operator_class != "gin_trgm_ops":
        statistics = found[0].statistics
        if statistics and statistics.element_count_histogram:
            return max(statistics.element_count_histogram[-1], 1.0)
        if found[0].type in ("json", "jsonb"):
            bytes_each = JSON_BYTES if operator_class == "jsonb_path_ops" else JSON_BYTES / 2
    return max(_width(table, columns) / bytes_each, 1.0)
