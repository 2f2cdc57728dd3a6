"""Values that logs hold of the parameters of statements, where it is sure which parameter each belongs to."""

from collections.abc import Mapping, Sequence

from pgadvisor.model.log import LoggedStatement, Logs
from pgadvisor.model.workload import Statement
from pgadvisor.sql.parse import tokens_of

Call = Mapping[int, str | None]
"""The values of one call by the parameters' numbers in the statement's text; None is NULL."""
FEWEST = 3
"""So many calls with one value are no chance, though a fair sample of a few may miss what is rare."""
_CUT = "..."
"""What log_parameter_max_length leaves ends so."""


class LoggedValues:
    """The values of the statements that logs tell of."""

    def __init__(self, logs: Logs | None) -> None:
        self._least_ms = logs.least_duration_ms if logs else None
        self._by_key = {each.key: each for each in logs.statements if each.values} if logs else {}

    def of(self, statement: Statement) -> tuple[Call, ...]:
        """The calls that a log holds; none where these are the exceptions: only what lasts long was logged, and most
        calls do not."""
        logged = self._by_key.get(statement.fingerprint)
        if logged is None:
            return ()
        if self._least_ms and statement.mean_ms is not None and statement.mean_ms < self._least_ms:
            return ()
        return _calls(statement.text, logged)

    def constants(self, statement: Statement) -> Call:
        """The parameters that have the same value in every call that a log holds."""
        calls = self.of(statement)
        if len(calls) < FEWEST:
            return {}
        return {number: value for number, value in calls[0].items() if all(each[number] == value for each in calls)}


def _calls(text: str, logged: LoggedStatement) -> tuple[Call, ...]:
    """None where the text numbers its parameters otherwise than what was logged, or the calls had several forms."""
    counts = {len(values) for values in logged.values}
    if len(counts) != 1:
        return ()
    given = counts.pop()
    numbers, seen = _numbers(text), _numbers(logged.text)
    # Constants have numbers behind those of the parameters, in both texts.
    if max(numbers, default=0) != max(seen, default=0) or not set(range(1, given + 1)) <= set(numbers):
        return ()
    if [each for each in numbers if each <= given] != [each for each in seen if each <= given]:
        return ()
    whole = (values for values in logged.values if not any(value and value.endswith(_CUT) for value in values))
    return tuple(dict(enumerate(values, 1)) for values in whole)


def _numbers(text: str) -> Sequence[int]:
    """The numbers of the parameters, in the order of the text."""
    return [int(token.text[1:]) for token in tokens_of(text) if token.kind == "parameter"]
