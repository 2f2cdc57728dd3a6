"""What a pull request changes: by git against a commit, or by contents against a copy of the directory."""

import os
import subprocess
from pathlib import Path

from pgadvisor.errors import UsageError

_TIMEOUT_S = 60


class Changes:
    """The files that are new or other than in the base."""

    def __init__(self, changed: frozenset[Path] | None = None, old: Path | None = None) -> None:
        self._changed = changed
        self.old = old
        """The copy to compare with; None: git compares, or nothing does."""

    def has(self, path: Path) -> bool:
        """Whether the file is new or changed. One that is not there is not."""
        if self._changed is not None:
            return path in self._changed
        if self.old is None or not path.is_file():
            return self.old is None
        for folder in reversed(path.parents):  # the copy may be one of the project or of a directory within
            before = self.old / path.relative_to(folder)
            if before.is_file() and before != path:
                return before.read_bytes() != path.read_bytes()
        return True


def changes_since(base: str | None, root: Path) -> Changes:
    """What changed since the base: a commit that git knows, or else a directory; None: everything counts as new.

    Raises UsageError when it is neither.
    """
    if base is None:
        return Changes()
    folder = Path(base).resolve()
    is_folder = folder.is_dir()
    commit = None if is_folder and "/" in base else _commit(base, root, is_needed=not is_folder)
    if commit is not None:
        return Changes(changed=_changed_since(commit, base, root))
    return Changes(old=folder)


def _commit(base: str, root: Path, *, is_needed: bool) -> str | None:
    try:
        top = _git(root, "rev-parse", "--show-toplevel")
    except FileNotFoundError as error:
        if not is_needed:
            return None
        raise UsageError(
            f"--base {base} needs git, which is not installed: give a directory to compare with"
        ) from error
    if top.returncode:
        if not is_needed:
            return None
        if "dubious ownership" in top.stderr:
            raise UsageError(
                f"git does not trust {root}: run `git config --global --add safe.directory {root}` and try again"
            )
        raise UsageError(f"{root} is no git repository, so --base {base} must be a directory to compare with")
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}")
    if found.returncode and is_needed:
        raise UsageError(f'git knows no "{base}" here: fetch it with `git fetch origin {base.removeprefix("origin/")}`')
    return found.stdout.strip() or None


def _changed_since(commit: str, base: str, root: Path) -> frozenset[Path]:
    """Files new, changed or renamed since the branch left the base: committed, staged or neither, untracked as well."""
    fork = _git(root, "merge-base", commit, "HEAD")
    if fork.returncode:
        raise UsageError(
            f"{base} and the present commit have no common past here: fetch the history (`git fetch --unshallow`, or "
            "fetch-depth: 0 of actions/checkout)"
        )
    top = Path(_git(root, "rev-parse", "--show-toplevel").stdout.removesuffix("\n"))
    changed = _git(top, "diff", "--name-only", "--no-ext-diff", "-z", "--diff-filter=AMR", fork.stdout.strip(), "--")
    untracked = _git(top, "ls-files", "--others", "--exclude-standard", "-z")
    for each in (changed, untracked):
        if each.returncode:
            raise UsageError(f"git could not compare with {base}: {each.stderr.strip().splitlines()[-1:]}")
    names = [*changed.stdout.split("\0"), *untracked.stdout.split("\0")]
    return frozenset(top.resolve() / name for name in names if name)


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    return subprocess.run(
        ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments],
        env={**kept, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"},
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=_TIMEOUT_S,
        stdin=subprocess.DEVNULL,
        check=False,
    )
