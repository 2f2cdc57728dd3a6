"""Tests of the comparison with golden files."""

from pathlib import Path

import pytest

from tests import golden


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(golden, "_DIRECTORY", tmp_path)
    monkeypatch.delenv("UPDATE_GOLDEN", raising=False)
    return tmp_path


def test_a_difference_and_a_missing_file_fail(directory: Path) -> None:
    (directory / "plan.txt").write_text("as it was\n")
    golden.assert_golden("plan.txt", "as it was\n")
    with pytest.raises(AssertionError, match=r"differs from plan\.txt"):
        golden.assert_golden("plan.txt", "changed\n")
    with pytest.raises(AssertionError, match=r"no golden file other\.txt"):
        golden.assert_golden("other.txt", "new\n")


def test_a_version_that_differs_has_its_own_file(directory: Path) -> None:
    (directory / "plan.txt").write_text("common\n")
    (directory / "plan.pg16.txt").write_text("of 16\n")
    golden.assert_golden("plan.txt", "of 16\n", version_num=160014)
    golden.assert_golden("plan.txt", "common\n", version_num=170010)


def test_update_writes_the_file_that_was_compared(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPDATE_GOLDEN", "1")
    (directory / "plan.pg16.txt").write_text("of 16\n")
    golden.assert_golden("plan.txt", "new of 16\n", version_num=160014)
    golden.assert_golden("sub/other.txt", "other\n")
    assert (directory / "plan.pg16.txt").read_text() == "new of 16\n"
    assert (directory / "sub" / "other.txt").read_text() == "other\n"
