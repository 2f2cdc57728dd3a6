"""Which transaction of a migration a step runs in, and which settings are in force there."""

from collections.abc import Mapping

from pgadvisor.model.migration import MigrationStatement
from pgadvisor.sql.ddl_step import DdlStep

_ENDS = frozenset(("commit", "rollback", "prepare transaction"))


class Transactions:
    """Follows the steps of one migration; tell it of each step before and after it."""

    def __init__(self) -> None:
        self._count = 0
        self._is_open = False
        self._is_begun = False
        self._session: dict[str, str] = {}
        self._local: dict[str, str] = {}

    @property
    def number(self) -> int | None:
        """Of the transaction that the present step runs in, from 0; None: in none."""
        return self._count if self._is_open else None

    @property
    def settings(self) -> Mapping[str, str]:
        """Settings that the migration made and that are in force, by lower-case name."""
        return {**self._session, **self._local}

    def before(self, step: DdlStep, statement: MigrationStatement) -> None:
        """A step that begins, goes on in, or stays out of a transaction."""
        is_in = statement.is_in_transaction or self._is_begun or step.command == "begin"
        if self._is_open and not is_in:
            self._end()
        self._is_open = is_in
        self._is_begun = self._is_begun or step.command == "begin"

    def after(self, step: DdlStep) -> None:
        """A step that ends a transaction, or changes a setting."""
        if step.command in _ENDS and not step.is_conditional:
            self._end()
        if step.command == "set" and step.setting is not None:
            (self._local if step.is_local else self._session)[step.setting[0]] = step.setting[1]
        self._session.update(step.set_calls)
        if step.command == "reset" and step.setting is not None:
            self._reset(step.setting[0])

    def _reset(self, name: str) -> None:
        for held in (self._session, self._local):
            if name == "all":
                held.clear()
            held.pop(name, None)

    def _end(self) -> None:
        self._count += 1
        self._is_open = self._is_begun = False
        self._local.clear()
