"""`--redact`: the report without names and literals, and the local file that tells what its pseudonyms stand for."""

import json
import secrets
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from pgadvisor.cli.terminal import errors
from pgadvisor.collect.file import write_whole
from pgadvisor.errors import UsageError
from pgadvisor.model.record import Record
from pgadvisor.model.report import Report
from pgadvisor.redaction.pseudonyms import Key
from pgadvisor.redaction.report import redact

DEFAULT_KEY = Path("pgadvisor-redaction-key.json")
_SECRET_BYTES = 32

RedactOption = Annotated[
    bool,
    typer.Option(
        "--redact",
        help="Put stable pseudonyms in place of names (tables, columns, routes, files, …) and literals. "
        f"What they stand for is kept in {DEFAULT_KEY}, or in the file that --redact-key names.",
    ),
]
RedactKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--redact-key",
        metavar="FILE",
        help="Redact with the key in this file; it is made when it is not there, and extended when it is. "
        "The same key gives the same pseudonyms, so that reports can be compared.",
    ),
]


class KeyFile(Record):
    """The key of a redaction, and where it is kept."""

    path: Path
    key: Key


def key_file(asked: bool, path: Path | None, output: Path | None) -> KeyFile | None:
    """The key to redact with, read or made anew; None: nothing is to be redacted. Raises UsageError."""
    if not asked and path is None:
        return None
    path = path or DEFAULT_KEY
    if output is not None and path.resolve() == output.resolve():
        raise UsageError(f"{path} cannot be the report and the key to it: name another file with --redact-key")
    if not path.exists():
        return KeyFile(path=path, key=Key(secret=secrets.token_hex(_SECRET_BYTES)))
    return KeyFile(path=path, key=_read(path))


def redacted(report: Report, kept: KeyFile | None, *, quiet: bool) -> Report:
    """The report as it may be shown. The key is written first: no report has pseudonyms that nobody can look up."""
    if kept is None:
        return report
    changed, key = redact(report, kept.key)
    # Escaped, since a name may hold what no encoding can write.
    text = json.dumps(msgspec.to_builtins(key), indent=1, sort_keys=True)
    write_whole(kept.path, f"{text}\n".encode(), is_private=True)
    if not quiet:
        errors().print(
            f"Redacted; what the pseudonyms stand for is in {kept.path}: keep that file to yourself.",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip
    return changed


def _read(path: Path) -> Key:
    fault = f"{path} is not a key of pgadvisor: name another file with --redact-key, and it will be made"
    try:
        content: Any = json.loads(path.read_bytes())
        key = msgspec.convert(content, Key)
        if len(bytes.fromhex(key.secret)) < _SECRET_BYTES:
            raise UsageError(fault)
    except OSError as error:
        raise UsageError(f"the key {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise UsageError(fault) from error
    return key
