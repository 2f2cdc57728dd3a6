"""How near the planner twin comes to a server with data: plans, costs, and indexes that are only supposed.

    python benchmarks/twin_fidelity.py DSN --workload FILE [--binaries DIR] [--without-values] [--all]
        [--real DSN [--indexes FILE]]

Each statement of FILE (without one, each draw of the statements of pg_stat_statements) is planned on the server and on
a twin made from a snapshot of it. With `--real`, the DSN of a copy of the database that may be changed, each index is
really built there and compared with the what-if: FILE holds a CREATE INDEX a line; without it, every column of a table
that the statements read gets an index.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from pgadvisor.collect.collector import collect
from pgadvisor.collect.session import open_session
from pgadvisor.collect.statistics import strip_values
from pgadvisor.model.explain import read_explain
from pgadvisor.model.plan import Plan
from pgadvisor.model.plan_shape import difference
from pgadvisor.model.record import Record
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.whatif import Answer, Configuration, HypotheticalIndex
from pgadvisor.planner.twin import Twin
from pgadvisor.planner.twin_statements import draw_statements
from pgadvisor.planner.whatif import TwinPlanner
from pgadvisor.sql.index_ddl import read_create_index
from pgadvisor.sql.parse import Unread
from pgadvisor.sql.splitter import split_statements

SAME_SHAPE, NEAR_COST, SAME_USE = 0.98, 0.90, 0.97
NEAR = 0.02


class Compared(Record):
    """One index, really built and supposed, for the statements that read its table."""

    definition: str
    used: int
    """Statements that use it really."""
    agree: int
    """Statements of which both say the same: used, or not."""
    statements: int
    ratios: tuple[float, ...]
    """Cost with the supposed index by that with the real one, where either uses it."""
    size_ratio: float | None


def main() -> int:
    """Prints the tables; 1 when a figure misses its target."""
    options = _options()
    with open_session(options.dsn) as session:
        snapshot = collect(session)
    if options.without_values:
        snapshot = strip_values(snapshot)
    began = time.perf_counter()
    with Twin(snapshot, binaries=options.binaries) as twin:
        print(f"{twin.label}; built in {time.perf_counter() - began:.2f} s; {len(snapshot.tables)} tables")
        for gap in twin.gaps:
            print(f"gap: {gap.subject or gap.area}: {gap.reason}")
        texts = _texts(options.workload, twin, snapshot)
        is_near = _compare_plans(options, twin, texts)
        if options.real:
            is_near &= _compare_indexes(options, twin, texts)
    return int(not is_near)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dsn", help="the server with data; nothing is changed there")
    parser.add_argument("--workload", type=Path, help="file of statements")
    parser.add_argument("--binaries", type=Path, help="directory of the twin's PostgreSQL programs")
    parser.add_argument("--without-values", action="store_true", help="as from a snapshot without --keep-values")
    parser.add_argument("--all", action="store_true", help="list every statement and index, not only those that differ")
    parser.add_argument("--real", metavar="DSN", help="a copy of the database, in which indexes are really built")
    parser.add_argument("--indexes", type=Path, help="file with a CREATE INDEX a line")
    return parser.parse_args()


def _texts(workload: Path | None, twin: Twin, snapshot: Snapshot) -> dict[str, str]:
    """The statements to plan, by name."""
    if workload is not None:
        found = split_statements(workload.read_text("utf-8"))
        return {each.name or f"#{each.position}": each.text for each in found}
    with TwinPlanner(twin.connect, twin.label) as planner, twin.connect() as connection:
        drawn = draw_statements(connection, planner, snapshot)
    return {f"{each.statement} {at}": draw.text for each in drawn for at, draw in enumerate(each.draws)}


def _compare_plans(options: argparse.Namespace, twin: Twin, texts: dict[str, str]) -> bool:
    """Each statement on both: whether shapes and costs come as near as they should."""
    with _connected(options.dsn) as server, twin.connect() as connection:
        ours = {name: _planned(server, text) for name, text in texts.items()}
        for text in texts.values():
            _planned(connection, text)  # what a session reads of the catalog once is not the planner's time
        began = time.perf_counter()
        theirs = {name: _planned(connection, text) for name, text in texts.items()}
        elapsed_ms = (time.perf_counter() - began) * 1000
    ratios, shapes, nodes = [], 0, 0
    for name, one in ours.items():
        other = theirs[name]
        if isinstance(one, str):
            print(f"left out: {name}: {one}")
            continue
        told = f"the twin has no plan: {other}" if isinstance(other, str) else difference(one, other)
        ratio = float("inf") if isinstance(other, str) else other.root.total_cost / max(one.root.total_cost, 0.01)
        ratios.append(ratio)
        shapes += told is None
        nodes += not isinstance(other, str) and _nodes(one) == _nodes(other)
        if options.all or told or abs(ratio - 1) > NEAR:
            print(f"  {name}: cost × {ratio:.4f}; {told or 'same shape'}")
    count, off = len(ratios), [abs(ratio - 1) for ratio in ratios]
    near = sum(each <= NEAR for each in off)
    print(
        f"{count} statements: same shape {shapes / count:.1%}, the same node for node {nodes / count:.1%}, "
        f"cost within {NEAR:.0%} {near / count:.1%}, median difference {statistics.median(off):.3%}, "
        f"largest {max(off):.1%}; {elapsed_ms / len(texts):.2f} ms each"
    )
    return shapes / count >= SAME_SHAPE and near / count >= NEAR_COST


def _planned(connection: psycopg.Connection[Any], text: str) -> Plan | str:
    """The plan, or why there is none."""
    try:
        return _explained(connection, text)
    except psycopg.Error as error:
        return error.diag.message_primary or str(error)


def _nodes(plan: Plan) -> list[tuple[str | None, ...]]:
    return [(node.node_type, node.join_type, node.strategy, node.alias, node.index) for node in plan.root.walk()]


def _explained(connection: psycopg.Connection[Any], text: str) -> Plan:
    row = connection.execute(f"EXPLAIN (FORMAT JSON) {text}".encode(), prepare=False).fetchone()
    assert row is not None
    return read_explain(row[0])


def _connected(dsn: str) -> psycopg.Connection[Any]:
    return psycopg.connect(dsn, autocommit=True)


def _compare_indexes(options: argparse.Namespace, twin: Twin, texts: dict[str, str]) -> bool:
    """Each index really built and supposed: whether they are used alike."""
    found = []
    with _connected(options.real) as real, TwinPlanner(twin.connect, twin.label) as planner:
        plannable = [text for text, answer in zip(texts.values(), planner.plan_all(list(texts.values())), strict=True)
                     if answer.plan]  # fmt: skip
        before = dict(zip(plannable, planner.plan_all(plannable), strict=True))
        for index in _candidates(options.indexes, real, before):
            reading = [text for text in plannable if index.table.split(".")[1] in _tables(before[text])]
            compared = _compare(real, planner, index, reading)
            if compared is not None:
                found.append(compared)
                _print(compared, is_wanted=options.all)
    return _summary(found)


def _tables(answer: Answer) -> set[str]:
    return {node.table for node in answer.plan.root.walk() if node.table} if answer.plan else set()


def _candidates(
    file: Path | None, real: psycopg.Connection[Any], before: dict[str, Answer]
) -> Iterator[HypotheticalIndex]:
    """Those of the file, else one on each column of the tables that are read. Of expressions last: statistics of
    theirs need an ANALYZE, which changes those of the table."""
    lines = _columns(real, before) if file is None else file.read_text("utf-8").splitlines()
    lines = [line.strip().rstrip(";") for line in lines if line.strip() and not line.startswith("--")]
    for number, line in enumerate(sorted(lines, key=_has_expression)):
        ddl = read_create_index(line)
        if isinstance(ddl, Unread):
            print(f"left out: {line}: {ddl.reason}")
            continue
        schema, name = ddl.schema or "public", f"fidelity_{number}"
        definition = ddl.definition(schema, name)
        yield HypotheticalIndex(name=name, schema=schema, table_name=ddl.table, definition=definition)


def _has_expression(line: str) -> bool:
    return "((" in line.split(" WHERE ")[0] or "(lower(" in line


def _columns(real: psycopg.Connection[Any], before: dict[str, Answer]) -> list[str]:
    tables = sorted(set().union(*map(_tables, before.values())))
    rows = real.execute(
        "SELECT format('CREATE INDEX ON %%I.%%I (%%I)', n.nspname, c.relname, a.attname) FROM pg_attribute AS a"
        " JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE c.relname = ANY(%s) AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped"
        " ORDER BY 1",
        (tables,),
    )
    return [row[0] for row in rows]


def _compare(
    real: psycopg.Connection[Any], planner: TwinPlanner, index: HypotheticalIndex, texts: Sequence[str]
) -> Compared | None:
    try:
        real.execute(index.definition.encode())
    except psycopg.Error as error:
        print(f"left out: {index.definition}: {error.diag.message_primary}")
        return None
    schema, table = index.table.split(".")
    try:
        if _has_expression(index.definition):
            real.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(schema, table)))
        built = [_explained(real, text) for text in texts]
        size = real.execute("SELECT pg_relation_size(%s::regclass)", (index.name,)).fetchone()
    finally:
        real.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(schema, index.name)))
    answers = planner.plan_all(texts, Configuration(create=(index,)))
    guessed = planner.size(index).size_bytes
    used = [any(node.index == index.name for node in plan.root.walk()) for plan in built]
    supposed = [index.qualified in answer.indexes_used for answer in answers]
    return Compared(
        definition=index.definition,
        used=sum(used),
        agree=sum(one == other for one, other in zip(used, supposed, strict=True)),
        statements=len(texts),
        ratios=tuple(
            (answer.cost or 0.0) / plan.root.total_cost
            for plan, answer, is_used, is_supposed in zip(built, answers, used, supposed, strict=True)
            if is_used or is_supposed
        ),
        size_ratio=guessed / size[0] if guessed and size else None,
    )


def _print(compared: Compared, *, is_wanted: bool) -> None:
    worst = max(compared.ratios, key=lambda ratio: abs(ratio - 1), default=1.0)
    if is_wanted or compared.agree < compared.statements or abs(worst - 1) > NEAR:
        size = "" if compared.size_ratio is None else f", size × {compared.size_ratio:.2f}"
        print(
            f"  {compared.definition}: used by {compared.used}, alike {compared.agree} of {compared.statements}, "
            f"worst cost × {worst:.3f}{size}"
        )


def _summary(found: Sequence[Compared]) -> bool:
    pairs = sum(each.statements for each in found)
    alike = sum(each.agree for each in found)
    whole = sum(each.agree == each.statements for each in found)
    off = [abs(ratio - 1) for each in found for ratio in each.ratios] or [0.0]
    sizes = [abs(each.size_ratio - 1) for each in found if each.size_ratio] or [0.0]
    within = sum(each <= NEAR for each in off) / len(off)
    print(
        f"{len(found)} indexes, {sum(each.used > 0 for each in found)} of them used: alike in all statements "
        f"{whole / max(len(found), 1):.1%} of the indexes, {alike / max(pairs, 1):.1%} of {pairs} cases; "
        f"cost where used: within {NEAR:.0%} {within:.1%}, median difference {statistics.median(off):.2%}, "
        f"largest {max(off):.1%}; median size difference {statistics.median(sizes):.1%}"
    )
    return alike >= SAME_USE * pairs


if __name__ == "__main__":
    sys.exit(main())
