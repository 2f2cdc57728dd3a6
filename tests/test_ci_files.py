"""What others put into their CI: the GitHub Action, the GitLab job, the pre-commit hook. Their scripts are run here."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
import yaml

from tests.cli.run import LONGEST_S

ROOT = Path(__file__).parent.parent
MIGRATION = "DELETE FROM orders;\nSELECT id FROM orders WHERE email NOT IN (SELECT email FROM gone);\n"
STAND_IN = '''#!{python}
"""`pgadvisor gate` as the scripts call it: what it was given is written down, `query` judges the files."""
import sys
from pathlib import Path
from pgadvisor.cli.main import main

given = sys.argv[1:]
Path("given.txt").write_text("\\n".join(given))
assert given.pop(0) == "gate", given
kept, paths = [], []
while given:
    each = given.pop(0)
    if each in ("--base", "--snapshot"):
        given.pop(0)
    elif each in ("--fail-on", "--format", "--also", "-o"):
        kept += [each, given.pop(0)]
    elif each.startswith("-"):
        kept.append(each)
    else:
        paths.append(each)
sys.argv[1:] = ["query", "-f", *paths, *kept]
main()
'''
GH = """#!/bin/bash
printf '%s\\n' "$*" >> gh.txt
case "$*" in
  *--paginate*) [ -z "$KNOWN" ] || echo "$KNOWN" ;;
  *) [ -z "$REFUSES" ] ;;
esac
"""


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


ACTION = read("action.yml")
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
GITLAB = read("docs/ci/gitlab.yml")["pgadvisor-gate"]
SCRIPTS = {
    **{name: step["run"] for name, step in STEPS.items() if "run" in step},
    "GitLab": "\n".join([*GITLAB["before_script"], *GITLAB["script"]]),
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a migration, and the programs that the scripts call."""
    folder = tmp_path / "repository"
    (folder / "migrations").mkdir(parents=True)
    (folder / "migrations" / "0001 first.sql").write_text(MIGRATION)
    programs = tmp_path / "temp" / "pgadvisor" / "bin"
    programs.mkdir(parents=True)
    for name, text in (("pgadvisor", STAND_IN.format(python=sys.executable)), ("gh", GH)):
        (programs / name).write_text(text)
        (programs / name).chmod(stat.S_IRWXU)
    git = ("git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    for command in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "first")):
        subprocess.run([*git, *command], check=True)
    return folder


def run(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The script as a runner starts it."""
    temp = folder.parent / "temp"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "GITHUB", "CI"))}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script], cwd=folder, text=True, capture_output=True,
        timeout=LONGEST_S, stdin=subprocess.DEVNULL,
        env={**clean, "PATH": f"{temp / 'pgadvisor' / 'bin'}:{clean['PATH']}", "RUNNER_TEMP": str(temp),
             "GITHUB_OUTPUT": str(temp / "output"), "GITHUB_STEP_SUMMARY": str(temp / "summary"),
             "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **environment},
    )  # fmt: skip


def judge(folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    given = {"PATHS": "migrations/0001 first.sql\n", "SNAPSHOT": "", "BASE": "", "FAIL_ON": "error", "MORE": ""}
    return run(STEPS["Judge the migrations"]["run"], folder, **{**given, **inputs})


def outputs(folder: Path) -> dict[str, str]:
    lines = (folder.parent / "temp" / "output").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_sound(name: str) -> None:
    subprocess.run(["bash", "-n", "-c", SCRIPTS[name]], check=True)
    if checker := shutil.which("shellcheck"):
        # 2086: paths of the GitLab job are split on purpose.
        done = subprocess.run([checker, "-s", "bash", "-e", "SC2086", "-"], input=SCRIPTS[name], text=True,
                              capture_output=True)  # fmt: skip
        assert done.returncode == 0, done.stdout


def test_no_input_is_pasted_into_a_script() -> None:
    for name, script in SCRIPTS.items():
        assert "${{" not in script, name


def test_every_input_of_the_action_is_used_and_told() -> None:
    told = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    steps = json.dumps(ACTION["runs"])
    for name in ACTION["inputs"]:
        assert f"inputs.{name} " in steps, name
        assert f"| `{name}` |" in told, name


def test_the_action_tells_findings_and_keeps_the_exit_code(repository: Path) -> None:
    done = judge(repository, FAIL_ON="warning")
    assert done.returncode == 1, done.stderr
    assert "::warning file=migrations/0001 first.sql,line=1,title=dml-without-where::" in done.stdout
    found = outputs(repository)
    assert found["exit-code"] == "1"
    assert Path(found["markdown"]).read_text().startswith("## ")
    assert json.loads(Path(found["sarif"]).read_text())["version"] == "2.1.0"
    assert (repository.parent / "temp" / "summary").read_text() == Path(found["markdown"]).read_text()
    assert judge(repository, FAIL_ON="never").returncode == 0


def test_the_action_hands_on_what_it_is_given(repository: Path) -> None:
    judge(repository, SNAPSHOT="production.pgsnap", BASE="HEAD", MORE="--config\nmy settings.toml\n")
    given = (repository / "given.txt").read_text().splitlines()
    assert given[0] == "gate"
    for option, value in (("--snapshot", "production.pgsnap"), ("--base", "HEAD"), ("--config", "my settings.toml")):
        assert given[given.index(option) + 1] == value
    assert given[-1] == "migrations/0001 first.sql"


def test_an_input_cannot_run_as_a_command(repository: Path) -> None:
    hostile = '$(touch hacked)`touch hacked`"; touch hacked; #'
    judge(repository, PATHS=hostile, SNAPSHOT=hostile, BASE="", FAIL_ON=hostile, MORE=hostile)
    assert not (repository / "hacked").exists()


def test_what_could_not_be_judged_leaves_no_report(repository: Path) -> None:
    assert judge(repository).returncode == 0
    (repository.parent / "temp" / "output").unlink()
    done = judge(repository, PATHS="none.sql")
    assert done.returncode == 2
    assert outputs(repository) == {"exit-code": "2"}


def test_a_base_that_is_not_here_is_told(repository: Path) -> None:
    done = judge(repository, BASE="0123456789012345678901234567890123456789")
    assert "fetch-depth: 0" in done.stdout


@pytest.mark.parametrize(("known", "method"), [("", "--method POST c/7/comments"), ("41", "--method PATCH c/41")])
def test_the_comment_is_written_once_and_then_replaced(repository: Path, known: str, method: str) -> None:
    report = repository / "report.md"
    report.write_text("## Do not merge\n")
    step = STEPS["Write the comment"]
    done = run(step["run"], repository, REPORT=str(report), COMMENTS="c/7/comments", ONE_COMMENT="c", KNOWN=known)
    assert done.returncode == 0, done.stderr
    asked, written = (repository / "gh.txt").read_text().splitlines()
    assert asked.startswith("api --paginate c/7/comments")
    assert method in written
    body = repository.parent / "temp" / "pgadvisor-comment.md"
    assert f"body=@{body}" in written
    assert body.read_text() == "<!-- pgadvisor gate -->\n## Do not merge\n"


def test_a_comment_that_is_refused_fails_nothing(repository: Path) -> None:
    report = repository / "report.md"
    report.write_text("## Do not merge\n")
    step = STEPS["Write the comment"]
    done = run(step["run"], repository, REPORT=str(report), COMMENTS="c/7", ONE_COMMENT="c", REFUSES="yes")
    assert done.returncode == 0
    assert "::notice title=pgadvisor::The comment could not be written" in done.stdout


def test_the_token_goes_to_the_comment_alone() -> None:
    holders = [name for name, step in STEPS.items() if "inputs.token" in json.dumps(step)]
    assert holders == ["Write the comment"]


def test_the_gitlab_job_leaves_its_reports(repository: Path) -> None:
    (repository / "migrations" / "0001 first.sql").rename(repository / "migrations" / "0001.sql")
    variables = {name: value for name, value in GITLAB["variables"].items() if not value.startswith("$")}
    paths = {"PGADVISOR_PATHS": "migrations/0001.sql", "CI_MERGE_REQUEST_DIFF_BASE_SHA": "HEAD"}
    done = run("\n".join(GITLAB["script"]), repository, **{**variables, **paths, "PGADVISOR_FAIL_ON": "warning"})
    assert done.returncode == 1, done.stderr
    reports = GITLAB["artifacts"]["reports"]
    issues = json.loads((repository / reports["codequality"]).read_text())
    assert issues[0]["location"] == {"path": "migrations/0001.sql", "lines": {"begin": 1}}
    assert Xml.parse(repository / reports["junit"]).getroot().tag == "testsuites"
    for path in GITLAB["artifacts"]["paths"]:
        assert (repository / path).is_file()
    assert "--base\nHEAD" in (repository / "given.txt").read_text()


def test_the_hook_is_for_sql_files_and_for_python() -> None:
    (hook,) = read(".pre-commit-hooks.yaml")
    assert hook["id"] == "pgadvisor-gate"
    assert hook["entry"].startswith("pgadvisor gate")
    assert (hook["language"], hook["files"]) == ("python", r"\.sql$")


def test_the_example_for_github_gives_what_it_needs() -> None:
    workflow = read("docs/ci/github.yml")
    (job,) = workflow["jobs"].values()
    step = job["steps"][-1]
    assert set(step["with"]) <= set(ACTION["inputs"])
    assert workflow["permissions"] == {
        "contents": "read",
        "pull-requests": "write",
        "security-events": "write",
    }
