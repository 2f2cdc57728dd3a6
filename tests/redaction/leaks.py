"""Names that must not be found: made at random, unlike any word, and planted in every place of a report."""

import random
import re
import string
from typing import Any

import msgspec

from pgadvisor.model.catalog import Constraint, ExtendedStatistics, Server, Table, Trigger
from pgadvisor.model.finding import Evidence, Finding, Remedy, Rung, Severity, Span, Where
from pgadvisor.model.plan import Plan, PlanComparison, PlanNode, StatementPlan, TriggerTime
from pgadvisor.model.report import (
    Changes,
    Endpoint,
    GoneFinding,
    Report,
    RuleNotRun,
    StatementChange,
    TimeShare,
    UnreadStatement,
    Verdict,
    Waived,
)
from pgadvisor.model.snapshot import Gap
from pgadvisor.model.workload import Statement
from pgadvisor.rule import foreign_key, table
from pgadvisor.sql.fingerprint import fingerprint
from pgadvisor.sql.identifiers import quoted
from tests.reports.make_report import NOW, empty_report

replace = msgspec.structs.replace
LETTERS = string.ascii_lowercase


def planted_words(seed: int, count: int = 40) -> list[str]:
    """Words nobody else uses: plain, with digits and signs, quoted, of several words, of other scripts."""
    source = random.Random(seed)
    shapes = (
        lambda word: word,
        lambda word: f"{word}_{source.randint(2, 99)}",
        lambda word: word.capitalize(),
        lambda word: f"{word} of {word[::-1]}",
        lambda word: f"{word}-x",
        lambda word: f'{word}"y',
        lambda word: f"{word}.z",
        lambda word: f"ж{word}",
        lambda word: f"{word}$",
        lambda word: f"</{word}>",
    )
    return [
        shapes[number % len(shapes)]("".join(source.choice("qxzjkvw") + source.choice("aeiou") for _ in range(4)))
        for number in range(count)
    ]


def cores(words: list[str]) -> list[str]:
    """The parts of the words that no text may hold: eight letters each."""
    return [core.lower() for word in words for core in re.findall(r"[A-Za-z]{8,}", word)]


def planted_report(words: list[str]) -> Report:
    """A report with the words as names and literals in every field that may hold one."""
    each = iter(words * 3)
    schema, name, other, column, second, index, unique, check, trigger, statistics = (next(each) for _ in range(10))
    alias, cte, route, label, file, database, host, role, kind, literal = (next(each) for _ in range(10))
    made = _table(schema, name, (column, second), (index, unique, check, trigger, statistics), kind, literal)
    sql = (
        f"WITH {quoted(cte)} AS (SELECT {quoted(column)} FROM {quoted(schema)}.{quoted(name)}) "
        f"SELECT {quoted(alias)}.{quoted(column)}, {quoted(second)}::{quoted(kind)} "
        f"FROM {quoted(name)} AS {quoted(alias)} "
        f"WHERE {quoted(alias)}.{quoted(second)} = '{literal}' AND lower({quoted(column)}) LIKE '%{literal}%' "
        f"/* {role} */ ORDER BY 1 LIMIT 10 -- {role}"
    )
    statement = Statement(key="#1", text=sql, fingerprint=fingerprint(sql), position=1, file=f"{file}.sql", name=label,
                          tags=(("route", f"/{route}"), ("controller", route)), calls=3, total_ms=9.0)  # fmt: skip
    plan = _plan(schema, name, alias, index, column, cte, literal, trigger, check)
    finding = _finding(made, (column, second), index, sql, route, file, plan, literal, cte)
    words_in_prose = f'names {name}, {schema}.{other} and "{role}", which is volatile'
    return replace(
        empty_report(with_server=True),
        server=Server(version_num=180_001, version="18.1", database=database, host=f"{host}.example"),
        tables=(made, table(other, columns={column: kind})),
        statements=(statement,),
        plans=(StatementPlan(statement="#1", kind="values", reason=words_in_prose, plan=plan),),
        findings=(finding,),
        waived=(Waived(finding=finding, reason=words_in_prose),),
        verdict=Verdict(headline=f"drop {index}", text=f"Start here: Create an index on {name} ({column})."),
        time=(TimeShare(label=f"SELECT {name[:-2]}…", total_ms=9.0, share=1.0, statement="#1"),),
        time_by_table=(TimeShare(label=made.label, total_ms=9.0, share=1.0),),
        table_shares=(TimeShare(label=made.label, total_ms=9.0, share=1.0),),
        gaps=(
            Gap(
                area="statistics",
                subject=made.qualified,
                reason=f"row security of {name} hides it",
                cure=f"GRANT {role}",
            ),
            Gap(area="plans", subject=f"{schema}.{name}.{column}", reason=words_in_prose, cure=f"`ALTER ROLE {role}`"),
        ),
        rules_not_run=(RuleNotRun(rule="unused-index", reason=words_in_prose, cure=f"give --source {database}"),),
        unread=(UnreadStatement(statement="#1", reason=f'syntax error at or near "{name}"'),),
        endpoints=(Endpoint(name=f"GET /{route}/{{id}}", statements=("#1",), calls=3, total_ms=9.0, share=1.0),),
        changes=Changes(
            previous_at=NOW,
            new=1,
            fixed=(
                GoneFinding(rule="select-star", severity=Severity.INFO, message=words_in_prose, key=name, place=name),
            ),
            statements=(StatementChange(text=sql, change="new", statement="#1"),),
        ),
    )


def _table(schema: str, name: str, columns: tuple[str, str], made: tuple[str, ...], kind: str, literal: str) -> Table:
    index, unique, check, trigger, statistics = made
    bare = table(name, columns={columns[0]: "text", columns[1]: f"{quoted(schema)}.{quoted(kind)}"},
                 indexes={index: columns[0]})  # fmt: skip
    predicate = f"({quoted(columns[1])} = '{literal}'::text)"
    definition = (
        f"CREATE INDEX {quoted(index)} ON {quoted(schema)}.{quoted(name)} USING btree ({quoted(columns[0])}) "
        f"WHERE {predicate}"
    )
    return replace(
        bare,
        schema=schema,
        columns=tuple(replace(column, default=f"'{literal}'::text") for column in bare.columns),
        indexes=tuple(
            replace(each, schema=schema, name=index, definition=definition, predicate=predicate)
            for each in bare.indexes
        ),
        constraints=(
            Constraint(name=unique, kind="unique", definition=f"UNIQUE ({quoted(columns[0])})", columns=(columns[0],)),
            Constraint(name=check, kind="check", definition=f"CHECK ({predicate})"),
            foreign_key(columns[0], "customer"),
        ),
        triggers=(
            Trigger(
                name=trigger,
                definition=f"CREATE TRIGGER {quoted(trigger)} BEFORE INSERT ON {quoted(schema)}.{quoted(name)} "
                f"FOR EACH ROW EXECUTE FUNCTION {quoted(statistics)}('{literal}')",
            ),
        ),
        extended_statistics=(
            ExtendedStatistics(
                name=statistics,
                definition=f"CREATE STATISTICS {quoted(statistics)} ON {quoted(columns[0])} FROM {quoted(name)}",
                columns=columns,
            ),
        ),
        partition_key=f"LIST ({quoted(columns[1])})",
        partition_bound=f"FOR VALUES IN ('{literal}')",
        partition_of=f"{schema}.{name}",
    )


def _plan(*words: str) -> Plan:
    schema, name, alias, index, column, cte, literal, trigger, check = words
    condition = f"({quoted(alias)}.{quoted(column)} = '{literal}'::text)"
    node = PlanNode(
        node_type="Index Scan", schema=schema, table=name, alias=alias, index=index, filter=condition,
        index_condition=condition, sort_keys=(f"{quoted(column)} DESC",), group_keys=(quoted(column),),
        subplan_name=f"CTE {cte}", cte_name=cte, function_name=trigger, total_cost=9.0,
        other=(("One-Time Filter", f'"{condition}"'.replace('"(', '"(').replace('"' + quoted(alias), quoted(alias))),)
        if '"' not in condition else (),
    )  # fmt: skip
    root = PlanNode(node_type="Sort", children=(node,), total_cost=10.0)
    return Plan(root=root, triggers=(TriggerTime(name=trigger, table=name, constraint=check),),
                settings=(("search_path", f'"$user", {quoted(schema)}'), ("work_mem", "64MB")))  # fmt: skip


def _finding(
    made: Table,
    columns: tuple[str, str],
    index: str,
    sql: str,
    route: str,
    file: str,
    plan: Plan,
    literal: str,
    cte: str,
) -> Finding:
    name, start = made.label, sql.index("lower(")
    created = f"{cte}_idx" if cte.isidentifier() else index
    return Finding(
        where=Where(table=made.qualified, column=columns[0], index=index, statement="#1",
                    endpoint=f"GET /{route}/{{id}}",
                    file=f"{file}.sql", line=3),
        message=f"sequential scan on {name} reads 10 rows, `{quoted(columns[0])} = '{literal}'` and {index} "
        f"({columns[1]})",
        evidence=(
            Evidence(rung=Rung.INFERRED,
                     text=f"no valid index of {name} serves {columns[0]} WHERE {columns[1]} = '{literal}'"),
            Evidence(rung=Rung.ESTIMATED, text=f"same definition: {made.indexes[0].definition}",
                     comparison=PlanComparison(change=f"CREATE INDEX ON {quoted(name)} ({quoted(columns[0])})",
                                               before=plan,
                                               after=plan, tried_on="planner twin, PostgreSQL 18.6")),
        ),
        remedy=Remedy(
            text=f"Create an index on {name} ({', '.join(columns)}).",
            sql=f"CREATE INDEX CONCURRENTLY {quoted(created)} ON {quoted(made.schema)}.{quoted(made.name)} "
            f"({quoted(columns[0])});",
            undo=f"DROP INDEX {quoted(made.schema)}.{quoted(created)};",
            lock=f"SHARE UPDATE EXCLUSIVE on {name}: reads and writes go on",
            cost=f"updates of {columns[1]} can no longer be HOT",
        ),
        wrong_if=f"rows of {name} are never deleted",
        severity=Severity.WARNING,
        cause=f"index {made.qualified} ({', '.join(columns)})",
        spans=(Span(start=start, end=sql.index(" LIKE")),),
        node=1,
        rule="scan-discards-most-rows",
        key=f"index:{name}",
        statements=("#1",),
    )  # fmt: skip


def texts_in(value: Any) -> list[str]:
    """Every text in a record, at whatever depth."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, each in value.items() for text in (*texts_in(key), *texts_in(each))]
    return [text for each in value for text in texts_in(each)] if isinstance(value, list | tuple) else []
