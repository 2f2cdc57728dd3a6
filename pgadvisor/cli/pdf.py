"""The HTML report printed to PDF by a browser of the Chromium family, where there is one."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from pgadvisor.errors import UsageError

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
"""Commands that print to PDF alike, the most usual first."""
APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
"""Where macOS has them: not on the path."""
LONGEST_S = 600
"""A report of 500 findings and 180 plans took 80 seconds on a busy machine; what takes far longer hangs."""
INSTEAD = "write --format html, open it in a browser and print it"
FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers have a small one
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pdf-header-footer",
    "--generate-pdf-document-outline",
    "--disable-extensions",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-features=OptimizationHints,MediaRouter,Translate",
    "--proxy-server=127.0.0.1:9",  # nobody listens there: whatever would go out does not
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


def find_browser() -> Path:
    """The browser that will print: CHROME_PATH, or the first of the known ones. Raises UsageError: there is none."""
    named = os.environ.get("CHROME_PATH")
    if named:
        if found := shutil.which(named):
            return Path(found)
        raise UsageError(f"CHROME_PATH names {named}, which is no program: correct it, or {INSTEAD}")
    for name in (*BROWSERS, *APPLICATIONS):
        if found := shutil.which(name):
            return Path(found)
    raise UsageError(
        f"a PDF needs Chromium or Chrome, and none is found: install it, name it in CHROME_PATH, or {INSTEAD}"
    )


def print_page(page: str) -> bytes:
    """The HTML page as a PDF, printed without any request to the network. Raises UsageError."""
    browser = find_browser()
    with tempfile.TemporaryDirectory(prefix="pgadvisor-pdf-", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        (folder / "report.html").write_text(page, encoding="utf-8")
        output = _run(browser, folder)
        try:
            printed = (folder / "report.pdf").read_bytes()
        except OSError as error:
            raise UsageError(f"{browser} wrote no PDF{_reason(output)}: {INSTEAD}") from error
    if not printed.startswith(b"%PDF-"):
        raise UsageError(f"what {browser} wrote is no PDF{_reason(output)}: {INSTEAD}")
    return printed


def _run(browser: Path, folder: Path) -> str:
    """Runs the browser until it is done; returns what it says on stderr."""
    command = [
        str(browser),
        *FLAGS,
        *(["--no-sandbox"] if _is_root() else []),
        f"--user-data-dir={folder / 'profile'}",
        f"--print-to-pdf={folder / 'report.pdf'}",
        (folder / "report.html").as_uri(),
    ]
    private = {name: str(folder / "home") for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
    try:
        running = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **private},
            cwd=folder,
            start_new_session=True,
        )
    except OSError as error:
        raise UsageError(f"{browser} cannot be started ({error.strerror}): {INSTEAD}") from error
    try:
        _, output = running.communicate(timeout=LONGEST_S)
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"{browser} did not finish the PDF in {LONGEST_S} seconds: {INSTEAD}") from error
    finally:
        _stop(running)
    return output.decode(errors="replace")


def _stop(running: subprocess.Popen[bytes]) -> None:
    """Ends the browser with all its processes, when it has not ended itself, also after Ctrl-C."""
    if running.poll() is None:
        if sys.platform == "win32":
            running.kill()
        else:
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def _reason(output: str) -> str:
    """The last line that speaks of more than a missing desktop."""
    lines = [line.strip() for line in output.splitlines() if line.strip() and "dbus" not in line.lower()]
    return f" ({lines[-1][:200]})" if lines else ""


def _is_root() -> bool:
    """Chromium's sandbox refuses root; the page it prints is ours, and has a strict policy."""
    return sys.platform != "win32" and os.geteuid() == 0
