"""The settings file: `pgadvisor.toml`, or `[tool.pgadvisor]` in `pyproject.toml`."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from pgadvisor.cli.options import FailOn
from pgadvisor.errors import UsageError
from pgadvisor.model.budget import EndpointBudget
from pgadvisor.model.record import Record
from pgadvisor.model.waiver import ListedWaiver, Waivers


class Config(Record):
    """What a settings file may say; options of the command line go before it."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: FailOn | None = msgspec.field(default=None, name="fail-on")
    baseline: Path | None = None
    """Known findings; a name that is not absolute counts from the settings file."""
    endpoints: tuple[EndpointBudget, ...] = ()
    """What requests may take, by endpoint or pattern."""
    waivers: tuple[ListedWaiver, ...] = ()
    """Findings that someone took upon himself."""
    require_reason: bool = msgspec.field(default=False, name="require-reason")
    """A waiver without a reason does not hold."""


def waivers_of(settings: Config) -> Waivers:
    """The waivers of the settings, as they hold today."""
    return Waivers(today=datetime.now(UTC).date(), listed=settings.waivers, needs_reason=settings.require_reason)


def read_config(path: Path | None) -> Config:
    """The settings of that file, or of the one in this directory, or none. Raises UsageError when it is not sound."""
    if path is not None:
        return _decode(path, _table_of(path))
    for name in ("pgadvisor.toml", "pyproject.toml"):
        if (found := Path(name)).is_file():
            return _decode(found, _table_of(found))
    return Config()


def _table_of(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the settings file {path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the settings file {path} is not valid TOML: {error}") from error
    if path.name == "pyproject.toml":
        tools = content.get("tool", {})
        content = tools.get("pgadvisor", {}) if isinstance(tools, dict) else tools  # what is no table is told later
    return content


def _decode(path: Path, content: dict[str, Any]) -> Config:
    try:
        settings = msgspec.convert(content, Config, dec_hook=lambda kind, value: kind(value))
    except msgspec.ValidationError as error:
        raise UsageError(f"the settings file {path} is not sound: {error}") from error
    if settings.baseline is None:
        return settings
    return msgspec.structs.replace(settings, baseline=path.parent / settings.baseline)
