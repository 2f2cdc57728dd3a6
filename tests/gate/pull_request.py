"""A repository with a pull request, and what the command says of it."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from tests.cli.run import Run, pgadvisor

WHO = ("-c", "user.name=someone", "-c", "user.email=someone@example.org", "-c", "commit.gpgsign=false")


class Outcome(NamedTuple):
    """How the command ended, and its JSON report; {} where there is none."""

    code: int
    report: dict[str, Any]
    stderr: str

    @property
    def found(self) -> set[tuple[str, str, int]]:
        """(rule, file, line) of each finding above info."""
        return {
            (each["rule"], each["where"]["file"], each["where"]["line"])
            for each in self.report["findings"]
            if each["severity"] != "info"
        }

    def evidence(self, rule: str) -> list[str]:
        """All that the findings of a rule rest on."""
        return [piece["text"] for each in self.report["findings"] if each["rule"] == rule for piece in each["evidence"]]


def git(folder: Path, *arguments: str) -> None:
    """Runs git as a user who has no settings."""
    subprocess.run(["git", *WHO, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, files: Mapping[str, str] = MappingProxyType({})) -> None:
    """Writes the files and commits all there is."""
    write(folder, files)
    if not (folder / ".git").exists():
        git(folder, "init", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-m", "change")


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Writes the files, with their folders."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def gated(folder: Path, *arguments: str | Path, run: Run = pgadvisor) -> Outcome:
    """The command's JSON report on what is new since the commit."""
    done = run("gate", *arguments, "--format", "json", folder=folder)
    assert "Traceback" not in done.stderr, done.stderr
    return Outcome(done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr)
