"""Parts of a text, printed as wide and as coloured as its reader's terminal allows."""

from collections.abc import Iterable
from io import StringIO

from rich.console import Console, RenderableType


def printed(parts: Iterable[RenderableType], *, width: int, color: bool) -> str:
    """The parts one below the other. SQL to copy is never wrapped."""
    written = StringIO()
    console = Console(
        file=written,
        width=width,
        color_system="standard" if color else None,
        force_terminal=color,
        legacy_windows=False,
        emoji=False,
        markup=False,
        highlight=False,
        _environ={},
    )
    for part in parts:
        console.print(part, crop=False)
    return "\n".join(line.rstrip() for line in written.getvalue().rstrip().splitlines()) + "\n"
