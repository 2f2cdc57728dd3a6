"""A program of ours run in the audited project's own Python, with a small environment and no database."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pgadvisor.model.record import Record

TIMEOUT_S = 120
_PROGRAMS = Path(__file__).parent / "inside"
_VENVS = (".venv", "venv", "env", ".env")
_KEPT = ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "PYTHONPATH", "DJANGO_SETTINGS_MODULE", "SYSTEMROOT", "TEMP")
_NOWHERE = "postgresql://nobody@nowhere.invalid:1/none"
_INVENTED = {
    "DATABASE_URL": _NOWHERE,
    "SQLALCHEMY_DATABASE_URI": _NOWHERE,
    "SECRET_KEY": "pgadvisor",
    "DJANGO_SECRET_KEY": "pgadvisor",
    "PGHOST": "nowhere.invalid",
    "PGCONNECT_TIMEOUT": "1",
    "PGPASSFILE": os.devnull,
    "PGSERVICEFILE": os.devnull,
    "PYTHONDONTWRITEBYTECODE": "1",
}
"""What projects commonly ask of their environment, such that nothing real is reached."""


class Refused(Record):
    """Why a program gave nothing, as a clause with the next step."""

    reason: str


def run_inside(
    program: str, arguments: Sequence[str], near: Path, root: Path, package: str
) -> dict[str, Any] | Refused:
    """What the program found, by the first Python near the project that has the package."""
    last = Refused(reason=f"no Python with {package} was found")
    for python in _pythons(near, root):
        found = _run(python, program, arguments)
        if isinstance(found, Refused):
            return found
        if "error" not in found:
            return found
        if found.get("missing") == package:
            command = f"`{_shown(python, root)} -m pip install {package}`"
            last = Refused(reason=f"{_shown(python, root)} has no {package}: {command}, or make the project's .venv")
            continue
        if found.get("missing"):
            return Refused(
                reason=f"the project cannot be imported by {_shown(python, root)}: there is no module "
                f"{found['missing']}: install the project's requirements there"
            )
        return Refused(reason=str(found["error"]))
    return last


def _pythons(near: Path, root: Path) -> Iterator[Path]:
    """The project's environments, nearest first; the active one; ours."""
    seen: set[Path] = set()
    folders = [each for each in (near, *near.parents) if each.is_relative_to(root)]
    candidates = [folder / name for folder in folders for name in _VENVS]
    if "VIRTUAL_ENV" in os.environ:
        candidates.append(Path(os.environ["VIRTUAL_ENV"]))
    for each in candidates:
        for python in (each / "bin" / "python", each / "Scripts" / "python.exe"):
            if (each / "pyvenv.cfg").is_file() and python.is_file() and python not in seen:
                seen.add(python)
                yield python
    if Path(sys.executable) not in seen:
        yield Path(sys.executable)


def _run(python: Path, program: str, arguments: Sequence[str]) -> dict[str, Any] | Refused:
    with tempfile.TemporaryDirectory(prefix="pgadvisor-") as folder:
        out = Path(folder) / "found.json"
        command = [str(python), str(_PROGRAMS / program), *arguments, str(out)]
        try:
            done = subprocess.run(
                command,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Refused(reason=f"the project's code did not end within {TIMEOUT_S} seconds")
        except OSError as error:
            return Refused(reason=f"{python} does not start: {error.strerror}")
        if not out.is_file():
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            return Refused(
                reason=f"the project's code ended Python (exit {done.returncode}): {(said or ['-'])[-1][:200]}"
            )
        found: dict[str, Any] = json.loads(out.read_bytes())
        return found


def _environment() -> Mapping[str, str]:
    return {**{name: os.environ[name] for name in _KEPT if name in os.environ}, **_INVENTED}


def _shown(python: Path, root: Path) -> str:
    return python.relative_to(root).as_posix() if python.is_relative_to(root) else python.name
