"""The names of constraints and indexes, read from the statements by which Django makes them."""

from __future__ import annotations

import copy
import re
from typing import Any

_TABLE = re.compile(r'CREATE TABLE (?:IF NOT EXISTS )?"([^"]+)" \((.*)\)', re.DOTALL)
_INDEX = re.compile(
    r'CREATE (UNIQUE )?INDEX (?:CONCURRENTLY )?(?:IF NOT EXISTS )?"([^"]+)" ON "([^"]+)"(?: USING (\w+))?[^(]*\((.*)\)'
)
_ALTER = re.compile(r'ALTER TABLE (?:IF EXISTS )?"([^"]+)" (.*)', re.DOTALL)
_CONSTRAINT = re.compile(
    r'(?:ADD )?CONSTRAINT "([^"]+)" (UNIQUE|PRIMARY KEY|FOREIGN KEY|CHECK|EXCLUDE)[^(]*(\(.*?\))?', re.DOTALL
)
_COLUMN = re.compile(r'(?:ADD COLUMN )?"([^"]+)" (.*)', re.DOTALL)
_NAMES = re.compile(r'"([^"]+)"')
_KINDS = ("UNIQUE", "PRIMARY KEY", "FOREIGN KEY", "CHECK", "EXCLUDE")
_LONGEST = 63


class ConstraintNames:
    """What each table has, kept up as statements pass by."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, dict[str, Any]]] = {}
        self._sequences: dict[str, list[str]] = {}

    def copy(self) -> ConstraintNames:
        """One that can go another way."""
        return copy.deepcopy(self)

    def of(self, table: str) -> dict[str, dict[str, Any]]:
        """As Django's get_constraints() gives them."""
        return self._tables.get(table, {})

    def sequences(self, table: str) -> list[dict[str, str]]:
        """As Django's get_sequences() gives them."""
        return [
            {"name": f"{table}_{column}_seq", "table": table, "column": column}
            for column in self._sequences.get(table, ())
        ]

    def learn(self, sql: str) -> None:
        """A statement that was made."""
        for part in sql.split(";"):
            self._learn(part.strip())

    def _learn(self, sql: str) -> None:
        table = _TABLE.match(sql)
        index = _INDEX.match(sql)
        alter = _ALTER.match(sql)
        if table:
            self._tables[table[1]] = {}
            for clause in clauses(table[2]):
                self._clause(table[1], clause)
        elif index:
            kind = index[4] or ("btree" if index[2].endswith("_btree") else "idx")
            self._add(index[3], index[2], _NAMES.findall(index[5].split(" WHERE ")[0]), kind, unique=bool(index[1]))
        elif alter:
            self._alter(alter[1], alter[2])
        elif sql.startswith("DROP TABLE"):
            self._tables.pop(_NAMES.findall(sql)[0], None)
        elif sql.startswith("DROP INDEX"):
            for each in self._tables.values():
                each.pop(_NAMES.findall(sql)[0], None)
        elif sql.startswith("ALTER INDEX") and " RENAME TO " in sql:
            old, new = _NAMES.findall(sql)[:2]
            for each in self._tables.values():
                if old in each:
                    each[new] = each.pop(old)

    def _alter(self, table: str, change: str) -> None:
        names = _NAMES.findall(change)
        if change.startswith("RENAME TO "):
            self._tables[names[0]] = self._tables.pop(table, {})
            self._sequences[names[0]] = self._sequences.pop(table, [])
        elif change.startswith("RENAME COLUMN "):
            for each in self.of(table).values():
                each["columns"] = [names[1] if name == names[0] else name for name in each["columns"]]
        elif change.startswith("DROP CONSTRAINT "):
            self.of(table).pop(names[0], None)
        elif change.startswith("DROP COLUMN "):
            held = self.of(table)
            for name in [name for name, each in held.items() if names[0] in each["columns"]]:
                del held[name]
        else:
            self._clause(table, change)

    def _clause(self, table: str, clause: str) -> None:
        constraint = _CONSTRAINT.match(clause)
        if constraint:
            kind = constraint[2]
            columns = _NAMES.findall(constraint[3] or "")
            self._add(table, constraint[1], columns, kind)
            return
        column = _COLUMN.match(clause)
        if not column:
            return
        name, rest = column[1], column[2]
        if " PRIMARY KEY" in rest:
            self._add(table, cut(f"{table}_pkey"), [name], "PRIMARY KEY")
        if " UNIQUE" in rest:
            self._add(table, cut(f"{table}_{name}_key"), [name], "UNIQUE")
        if " CHECK (" in rest:
            self._add(table, cut(f"{table}_{name}_check"), [name], "CHECK")
        if " REFERENCES " in rest:
            own = re.search(r'CONSTRAINT "([^"]+)" REFERENCES', rest)
            self._add(table, own[1] if own else cut(f"{table}_{name}_fkey"), [name], "FOREIGN KEY")
        if "IDENTITY" in rest or "serial" in rest:
            self._sequences.setdefault(table, []).append(name)

    def _add(self, table: str, name: str, columns: list[str], kind: str, unique: bool = False) -> None:
        key = kind in ("UNIQUE", "PRIMARY KEY")
        self._tables.setdefault(table, {})[name] = {
            "columns": columns,
            "primary_key": kind == "PRIMARY KEY",
            "unique": key or unique,
            "foreign_key": ("", "") if kind == "FOREIGN KEY" else None,
            "check": kind == "CHECK",
            "index": kind not in _KINDS,
            "type": None if kind in _KINDS else kind,
            "definition": None,
            "options": None,
            "orders": [],
        }


def clauses(body: str) -> list[str]:
    """The parts between the commas outside parentheses."""
    found: list[str] = []
    depth = start = 0
    for at, letter in enumerate(body):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            found.append(body[start:at].strip())
            start = at + 1
    return [*found, body[start:].strip()]


def cut(name: str) -> str:
    """As PostgreSQL keeps names; it shortens the parts of a longer one, which is rare enough to be left."""
    return name[:_LONGEST]
