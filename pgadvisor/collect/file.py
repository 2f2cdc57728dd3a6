"""The snapshot file: JSON in a zstd frame, written whole or not at all, strictly read."""

import contextlib
import os
import stat
import tempfile
from pathlib import Path

import msgspec
import zstandard

from pgadvisor import __version__
from pgadvisor.collect.statistics import strip_values
from pgadvisor.errors import SnapshotError, UsageError
from pgadvisor.model.snapshot import FORMAT, Snapshot

MAGIC = b"\x28\xb5\x2f\xfd"
"""A zstd frame begins with it (RFC 8878, 3.1.1)."""
LEVEL = 9
"""A snapshot of 2,000 tables is written in a second; higher levels save little."""


class _Head(msgspec.Struct):
    """What every snapshot file of every version says first."""

    format: int
    pgadvisor: str


def write_snapshot(path: Path, snapshot: Snapshot, *, keep_values: bool = False) -> None:
    """Writes the file, without the values of users that column statistics hold unless asked; raises UsageError."""
    kept = snapshot if keep_values else strip_values(snapshot)
    data = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).compress(msgspec.json.encode(kept))
    write_whole(path, data, is_private=kept.keeps_values)


def write_whole(path: Path, data: bytes, *, is_private: bool = False) -> None:
    """Writes a file that is there in full or not at all, also after Ctrl-C; raises UsageError with the next step.

    `is_private`: for its owner alone; otherwise as the umask says.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a directory: give the name of a file in it")
    if not path.parent.is_dir():
        raise UsageError(f"the directory {path.parent} does not exist: create it, or write elsewhere")
    if path.exists() and not path.is_file():
        _write_in_place(path, data)
        return
    path = path.resolve()  # a link stays a link
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            known = path.stat()
            temporary.chmod(stat.S_IMODE(known.st_mode))
            with contextlib.suppress(PermissionError):  # another's file stays another's where we may say so
                os.chown(temporary, known.st_uid, known.st_gid)
        elif not is_private:
            temporary.chmod(0o666 & ~_umask())
        if is_private:
            temporary.chmod(0o600)
        temporary.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}): free some space, or write elsewhere") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _write_in_place(path: Path, data: bytes) -> None:
    """To a device or a pipe, which must not be replaced by a file."""
    try:
        with path.open("wb") as file:
            file.write(data)
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}): free some space, or write elsewhere") from error


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    current = os.umask(0o077)
    os.umask(current)
    return current


def is_snapshot(path: Path) -> bool:
    """Whether the file begins as a snapshot does."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def read_snapshot(path: Path) -> Snapshot:
    """The snapshot in a file; raises SnapshotError when it is none, damaged, or of a newer pgadvisor."""
    again = "make it again with pgadvisor snapshot"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SnapshotError(f"{path} cannot be read ({error.strerror}): check the name") from error
    if not data.startswith(MAGIC):
        raise SnapshotError(f"{path} is not a snapshot: {again}")
    try:
        text = zstandard.ZstdDecompressor().decompress(data)
        head = msgspec.json.decode(text, type=_Head)
    except (zstandard.ZstdError, msgspec.DecodeError) as error:
        raise SnapshotError(f"{path} is damaged, or not a snapshot: {again}") from error
    if head.format > FORMAT:
        raise SnapshotError(
            f"{path} was made by pgadvisor {head.pgadvisor}, which is newer than this one: upgrade pgadvisor"
        )
    try:
        return msgspec.json.decode(text, type=Snapshot)
    except msgspec.DecodeError as error:
        if head.pgadvisor != __version__:
            raise SnapshotError(
                f"{path} was made by pgadvisor {head.pgadvisor} and this is {__version__}, which cannot read it "
                f"({error}): {again}, or install that version"
            ) from error
        raise SnapshotError(f"{path} is damaged ({error}): {again}") from error
