"""Compares what the program writes with a file under tests/golden; `UPDATE_GOLDEN=1 pytest` writes the files anew."""

import os
from pathlib import Path

_DIRECTORY = Path(__file__).parent / "golden"


def golden_path(name: str, version_num: int | None = None) -> Path:
    """The file for `name`; a server version that differs has one of its own: `plan.pg16.txt` beside `plan.txt`."""
    common = _DIRECTORY / name
    if version_num is not None:
        own = common.with_name(f"{common.stem}.pg{version_num // 10_000}{common.suffix}")
        if own.exists():
            return own
    return common


def assert_golden(name: str, text: str, version_num: int | None = None) -> None:
    """Asserts that `text` is what the golden file `name` holds, or writes it there when asked to."""
    path = golden_path(name, version_num)
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return
    assert path.exists(), f"no golden file {path.name}: run UPDATE_GOLDEN=1 pytest, read it, commit it"
    assert text == path.read_text("utf-8"), f"differs from {path.name}: if that is right, run UPDATE_GOLDEN=1 pytest"
