"""A viewer of plans that a report carries along when asked to: packed, and built when it is first opened."""

import base64
import json
import zlib
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import NamedTuple

VIEWERS = "pgadvisor.reports.viewers"


class PlanViewerName(StrEnum):
    """The viewers there are."""

    PEV2 = "pev2"


class PlanViewer(NamedTuple):
    """What the page needs to open plans in a viewer."""

    style: str
    """Goes with the page's own."""
    script: str
    frame_style: str
    """The one style and the one script of the viewer's frame: the page's policy names their hashes."""
    frame_script: str
    packed: str
    """Both and the viewer's licences, as JSON, deflated, in base64."""


@cache
def plan_viewer(name: PlanViewerName) -> PlanViewer:
    """The viewer of that name. pev2 with what it needs: Vue without its compiler (that would need eval), Bootstrap."""
    # Font Awesome would put its style into the page by script, which the policy forbids: it is there already.
    parts = ("vue.runtime.global.prod.js", "pev2.umd.js")
    configured = "globalThis.FontAwesomeConfig = { autoAddCss: false };\n"
    script = configured + "\n".join((*(_file(f"{name}/{part}") for part in parts), _file("frame.js")))
    style = "\n".join(_file(f"{name}/{part}") for part in ("bootstrap.min.css", "fontawesome.css", "pev2.css"))
    packed = json.dumps({"style": style, "script": script, "licences": _file(f"{name}/LICENSES.txt")})
    return PlanViewer(
        style=_file("open.css"),
        script=_file("open.js"),
        frame_style=style,
        frame_script=script,
        packed=base64.b64encode(zlib.compress(packed.encode(), 9)).decode(),
    )


def _file(name: str) -> str:
    # A checkout may turn line ends round; a browser turns them back before it takes the hash.
    return resources.files(VIEWERS).joinpath(name).read_text("utf-8").replace("\r\n", "\n")
