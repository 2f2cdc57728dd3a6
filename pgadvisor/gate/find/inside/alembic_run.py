"""Alembic's revisions as SQL, in its offline mode: run as a program in the project's Python; no database is asked.

    python alembic_run.py CONFIG OUT

OUT gets JSON: the heads, and of each revision, in the order of the upgrade, the statements with the line of the
operation that made each. Kept to what Python 3.8 and Alembic 1.8 know.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from no_database import refuse, shut_drivers


class Recorder:
    """Takes what Alembic would print, while a revision runs."""

    def __init__(self) -> None:
        self.way = "up"
        self.revision: Any = None
        self.is_open = False
        self.found: dict[str, dict[str, Any]] = {}

    def begin(self, revision: Any, way: str) -> None:
        """A revision runs from now on."""
        self.revision, self.way = revision, way
        entry = self.found.setdefault(revision.revision, {"up": [], "down": None, "failed": None})
        if way == "down":
            entry["down"] = []

    def take(self, text: str) -> None:
        """What Alembic prints."""
        text = text.strip()
        bare = text.rstrip(";").strip().upper()
        if bare in ("BEGIN", "COMMIT"):
            self.is_open = bare == "BEGIN"
        elif self.revision is not None and not text.startswith("-- Running "):
            self.found[self.revision.revision][self.way].append(
                {"sql": text, "line": line_in(self.revision.path), "is_in_transaction": self.is_open}
            )


def line_in(path: str) -> int | None:
    """The line of the file that is being executed now: that of the operation."""
    frame = sys._getframe(1).f_back
    while frame is not None:
        if is_same(frame.f_code.co_filename, path):
            return frame.f_lineno
        frame = frame.f_back
    return None


def is_same(file: str, path: str) -> bool:
    """Whether both name one file; code is kept with the name by which it was imported."""
    return file == path or Path(file).absolute() == Path(path).absolute()


def wrapped(recorder: Recorder, revision: Any, way: str) -> Callable[..., None]:
    """The revision's function, such that its failure is noted and the others go on."""
    function = getattr(revision.module, "upgrade" if way == "up" else "downgrade", None)

    def run(*args: Any, **kwargs: Any) -> None:
        recorder.begin(revision, way)
        entry = recorder.found[revision.revision]
        try:
            if function is None:
                raise NotImplementedError(f"there is no {way}grade()")
            function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - a project's code raises what it likes; it is told to the reader
            if way == "up":
                entry["failed"] = told(error, revision.path)
            else:
                entry["down"] = None
        finally:
            recorder.revision = None

    return run


def told(error: BaseException, path: str) -> str:
    """The error in a line, with the line of the file where it came up."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if path and is_same(trace.tb_frame.f_code.co_filename, path):
            line = trace.tb_lineno
        trace = trace.tb_next
    text = (str(error).strip().splitlines() or [""])[0][:200]
    return f"{f'line {line}: ' if line else ''}{type(error).__name__}: {text}"


def close_the_doors() -> None:
    """No engine connects, whatever the project says."""
    from sqlalchemy.engine import Engine

    shut_drivers()
    for name in ("connect", "begin", "raw_connection"):
        if hasattr(Engine, name):
            setattr(Engine, name, refuse)


def always_postgresql(environment: Any) -> Any:
    """The environment's configure(), such that it is PostgreSQL's SQL with its values in it."""
    configure = environment.configure

    def run(connection: Any = None, url: Any = None, dialect_name: Any = None, **options: Any) -> Any:
        options["literal_binds"] = True
        options["dialect_opts"] = {"paramstyle": "named"}
        return configure(dialect_name="postgresql", **options)

    environment.configure = run
    return environment


def read(config_file: str) -> dict[str, Any]:
    """All revisions, up and back."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    close_the_doors()  # revisions are imported as soon as their graph is read
    config = Config(toml_file=config_file) if config_file.endswith(".toml") else Config(config_file)
    if config_file.endswith(".toml"):
        config.config_file_name = None
    if not config.get_main_option("sqlalchemy.url"):
        config.set_main_option("sqlalchemy.url", "postgresql://nobody@nowhere.invalid/none")
    script = ScriptDirectory.from_config(config)
    heads = list(script.get_heads())
    revisions = list(script.walk_revisions("base", "heads"))[::-1]
    recorder = Recorder()
    from alembic.ddl.impl import DefaultImpl

    setattr(DefaultImpl, "static_output", lambda self, text: recorder.take(text))  # noqa: B010 - mypy
    for way, start, end, steps in (
        ("up", None, "heads", script._upgrade_revs),
        ("down", heads[0] if len(heads) == 1 else None, "base", script._downgrade_revs),
    ):
        if way == "down" and start is None:
            break
        for each in revisions:
            setattr(each.module, f"{way}grade", wrapped(recorder, each, way))
        recorder.is_open = False
        environment = EnvironmentContext(
            config, script, fn=walking(steps, end), as_sql=True, starting_rev=start, destination_rev=end
        )
        with always_postgresql(environment):
            script.run_env()
    return {"heads": heads, "revisions": list(entries(recorder, revisions))}


def walking(steps: Callable[[Any, Any], Any], end: str) -> Callable[[Any, Any], Any]:
    """What Alembic asks for the steps from where it stands."""
    return lambda revision, context: steps(end, revision)


def entries(recorder: Recorder, revisions: list[Any]) -> Iterator[dict[str, Any]]:
    """What is told of each revision, in the order in which they ran."""
    order = list(recorder.found)
    for each in sorted(revisions, key=lambda one: order.index(one.revision) if one.revision in order else len(order)):
        entry = recorder.found.get(each.revision, {"up": [], "down": None, "failed": "Alembic did not run it"})
        yield {**entry, "id": each.revision, "file": str(Path(each.path).absolute()), "doc": each.doc}


def main(config_file: str, out: str) -> None:
    os.chdir(Path(config_file).parent)
    sys.path[0] = str(Path.cwd())
    try:
        found = read(config_file)
    except ModuleNotFoundError as error:
        found = {"error": told(error, ""), "missing": (error.name or "").split(".")[0]}
    except BaseException as error:  # noqa: BLE001 - SystemExit of a settings module as well
        found = {"error": told(error, "")}
    Path(out).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
