"""What is new: by git against a commit, or against a copy of the directory."""

import shutil
import subprocess
from pathlib import Path

import pytest

from pgadvisor.errors import UsageError
from pgadvisor.gate.find.find import find_migrations

SAMPLES = Path(__file__).parent.parent / "samples"


def git(folder: Path, *arguments: str) -> None:
    """Runs git as a user who has no settings."""
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two migrations on main; a branch that is checked out, and a commit on main since."""
    root = tmp_path / "shop with space"
    (root / "db" / "migrations").mkdir(parents=True)
    git(root, "init", "-b", "main")
    write(root, "V1__a", "CREATE TABLE a (id int);")
    write(root, "V2__b", "CREATE TABLE b (id int);")
    commit(root)
    git(root, "checkout", "-b", "feature")
    git(root, "checkout", "main")
    write(root, "V3__of_main", "CREATE TABLE c (id int);")
    commit(root)
    git(root, "checkout", "feature")
    return root


def write(root: Path, name: str, text: str) -> None:
    (root / "db" / "migrations" / f"{name}.sql").write_text(text, "utf-8")


def commit(root: Path) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-m", "change")


def judged(root: Path, base: str) -> list[str]:
    """The names of those to judge."""
    found = find_migrations([root / "db"], base=base, root=root)
    assert len(found) > sum(each.is_judged for each in found)
    return [each.name for each in found if each.is_judged]


def test_committed_staged_changed_and_untracked_files_are_judged(repository: Path) -> None:
    write(repository, "V4__committed", "SELECT 1;")
    commit(repository)
    write(repository, "V5__staged", "SELECT 1;")
    git(repository, "add", "-A")
    write(repository, "V6__untracked", "SELECT 1;")
    write(repository, "V7__mit_ä", "SELECT 1;")
    write(repository, "V2__b", "CREATE TABLE b (id bigint);")
    expected = ["V2__b", "V4__committed", "V5__staged", "V6__untracked", "V7__mit_ä"]
    assert judged(repository, "main") == expected
    assert judged(repository, "HEAD~1") == expected


def test_a_settings_file_beside_it_makes_a_migration_changed(repository: Path) -> None:
    (repository / "db" / "migrations" / "V1__a.sql.conf").write_text("executeInTransaction=false\n")
    assert judged(repository, "main") == ["V1__a"]


def test_nothing_new_means_nothing_judged(repository: Path) -> None:
    assert judged(repository, "main") == []


def test_against_a_copy_contents_decide(tmp_path: Path) -> None:
    new = shutil.copytree(SAMPLES / "goose", tmp_path / "new")
    shutil.copytree(SAMPLES / "goose", tmp_path / "old")
    file = new / "migrations" / "00002_index_total.sql"
    file.write_text(file.read_text().replace("ANALYZE", "VACUUM"))
    for paths in ([new], [new / "migrations"], [file]):
        found = find_migrations(paths, base=str(tmp_path / "old"), root=new)
        assert [each.is_judged for each in found] == [False, True]
    found = find_migrations([new / "migrations"], base=str(tmp_path / "old" / "migrations"), root=new)
    assert [each.is_judged for each in found] == [False, True]


def test_a_copy_within_the_project_is_no_migration(tmp_path: Path) -> None:
    new = shutil.copytree(SAMPLES / "goose", tmp_path / "new")
    shutil.copytree(new / "migrations", new / "before")
    found = find_migrations([new], base=str(new / "before"), root=new)
    assert [each.is_judged for each in found] == [False, False]


def test_what_git_does_not_know_is_told(repository: Path) -> None:
    with pytest.raises(UsageError, match=r'git knows no "origin/gone" here: fetch it with `git fetch origin gone`'):
        judged(repository, "origin/gone")
    with pytest.raises(UsageError, match=r'git knows no "--output=x"'):
        judged(repository, "--output=x")


def test_no_common_past_is_told(repository: Path) -> None:
    git(repository, "checkout", "--orphan", "alone")
    write(repository, "V9__alone", "SELECT 1;")
    commit(repository)
    with pytest.raises(UsageError, match="fetch-depth: 0"):
        judged(repository, "main")


def test_no_repository_is_told(tmp_path: Path) -> None:
    root = shutil.copytree(SAMPLES / "goose", tmp_path / "new")
    with pytest.raises(UsageError, match="is no git repository, so --base main must be a directory"):
        find_migrations([root], base="main", root=root)


def test_no_git_is_told(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError, match="needs git, which is not installed"):
        judged(repository, "main")
