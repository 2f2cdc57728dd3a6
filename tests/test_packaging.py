"""The wheel holds what the tree holds."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
KEPT = {".py", ".sql", ".html", ".css", ".js", ".typed", ".json", ".txt"}


def in_tree() -> set[str]:
    names = set()
    for folder, package in (("pgadvisor", "pgadvisor"), ("rules", "pgadvisor/rules"), ("reports", "pgadvisor/reports")):
        for path in (ROOT / folder).rglob("*"):
            inside = path.relative_to(ROOT / folder)
            linked = folder == "pgadvisor" and inside.parts[0] in ("rules", "reports")
            if path.is_file() and not linked and (path.suffix in KEPT or path.name == "py.typed"):
                names.add(f"{package}/{inside.as_posix()}")
    return names


def test_wheel_holds_the_tree(tmp_path: Path) -> None:
    copy = tmp_path / "tree"  # a build leaves files beside the sources
    left_out = shutil.ignore_patterns(".git", "build", "dist", "*.egg-info", "__pycache__", ".venv", "tests")
    shutil.copytree(ROOT, copy, symlinks=True, ignore=left_out)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(copy)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == in_tree()
