"""The report as one HTML file: no request leaves it, no text of the database can act in it."""

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from pgadvisor.model.finding import first_sentence
from pgadvisor.model.report import NOT_JUDGED_NOTE, Report
from pgadvisor.reports import (
    change_words,
    endpoint_words,
    format_numbers,
    index_words,
    labels,
    log_words,
    prose,
    report_words,
)
from pgadvisor.reports.html_page import IN_FULL, LAID_OUT, page_of
from pgadvisor.reports.migration_lines import statements_text
from pgadvisor.reports.plan_comparison import compared
from pgadvisor.reports.plan_explains import explains_of
from pgadvisor.reports.plan_viewer import PlanViewer, PlanViewerName
from pgadvisor.reports.plan_viewer import plan_viewer as viewer_of
from pgadvisor.reports.sql_pieces import sql_runs
from pgadvisor.reports.visible_text import folded, visible

TEMPLATES = "pgadvisor.reports.templates"
STYLES = (
    "page.css",
    "pictures.css",
    "sql.css",
    "findings.css",
    "plan.css",
    "indexes.css",
    "narrow.css",
    "endpoints.css",
    "print.css",
)
SCRIPTS = ("page.js", "copy.js", "findings.js", "reviewed.js", "plan.js", "keys.js", "indexes.js", "start.js")
"""Parts of one script, in the order in which they use each other."""


def render(report: Report, plan_viewer: PlanViewerName | None = None, overview: str | None = None) -> str:
    """The report as a page that stands by itself, with the viewer asked for in it. Same report, same bytes.

    `overview`: the page of all databases, for a report that is one of many.
    """
    viewer = None if plan_viewer is None else viewer_of(plan_viewer)
    shown = page_of(report)
    return whole_page(
        "report.html",
        _parts(STYLES, report),
        _parts(SCRIPTS, report),
        viewer,
        page=shown,
        explains=explains_of(shown),
        overview=overview,
    )


def whole_page(
    template: str,
    styles: Sequence[str],
    scripts: Sequence[str],
    viewer: PlanViewer | None = None,
    **values: object,
) -> str:
    """The template filled with the values, its styles and scripts in it, and a policy that lets nothing else act."""
    style = "".join((*styles, viewer.style if viewer else ""))
    script = "".join(('"use strict";\n(() => {\n', *scripts, viewer.script if viewer else "", "})();\n"))
    head_script = static("theme.js")
    policy = "; ".join(
        (
            "default-src 'none'",
            " ".join(("style-src", _hash(style), *((_hash(viewer.frame_style),) if viewer else ()))),
            " ".join(("script-src", *map(_hash, (head_script, script, *((viewer.frame_script,) if viewer else ()))))),
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    page = (
        _environment()
        .get_template(template)
        .render(
            viewer=viewer,
            policy=policy,
            style=Markup(style),  # ours, and hashed in the policy
            script=Markup(script),
            head_script=Markup(head_script),
            **values,
        )
    )
    return f"{page}\n"


@cache
def _environment() -> Environment:
    """Templates with autoescape on; every text also passes `visible`, so that nothing unseen gets through."""
    environment = Environment(
        loader=_Loader("pgadvisor.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters.update(_filters())
    environment.tests["hidden"] = lambda text: visible(text) != text
    environment.globals.update(WORDS)
    return environment


def _filters() -> dict[str, Callable[..., object]]:
    """How templates show numbers and texts."""
    return {
        "time": _unbroken(format_numbers.time),
        "time_after": _unbroken(format_numbers.time_after),
        "size": _unbroken(format_numbers.size),
        "count": format_numbers.count,
        "share": _unbroken(format_numbers.share),
        "duration": _unbroken(format_numbers.duration),
        "moment": format_numbers.moment,
        "folded": folded,
        "inline": prose.inline,
        "inline_with_links": prose.inline_with_links,
        "exact": _exact,
        "sentence": first_sentence,
        "svg": _svg_number,
    }


WORDS: dict[str, object] = {
    "sql_runs": sql_runs,
    "compared": compared,
    "plural": format_numbers.plural,
    "plan_kinds": labels.PLAN_KINDS,
    "plan_origin": labels.plan_origin,
    "areas": labels.AREAS,
    "statement_place": labels.statement_place,
    "not_run_together": labels.not_run_together,
    "endpoints_note": endpoint_words.note,
    "endpoint_figures": endpoint_words.figures,
    "endpoint_saved": endpoint_words.saved_text,
    "endpoint_told_by": endpoint_words.TOLD_BY,
    "not_judged_note": f"{NOT_JUDGED_NOTE[:1].upper()}{NOT_JUDGED_NOTE[1:]}.",
    "statements_text": statements_text,
    "trials_sentence": report_words.trials_sentence,
    "rejected_label": report_words.rejected_label,
    "unplanned_labels": report_words.unplanned_labels,
    "change_words": change_words,
    "log_words": log_words,
    "index_words": index_words,
    "index_amount": index_words.amount,
    "index_action": index_words.action,
    "curve_budget": index_words.budget,
    "curve_saved": index_words.saved,
    "laid_out": LAID_OUT,
    "in_full": IN_FULL,
}
"""What templates call by name."""

COMMENT = re.compile(r"^\s*(//.*|/\*.*\*/)\n", re.MULTILINE)
"""A line of style or script that only its readers need."""
CONTROL = re.compile("[\x01-\x08\x0b-\x1f\x7f]")
"""Signs that would act on a terminal which shows the file, written so that a browser reads them as they are."""
UNQUOTED = re.compile(r' (class|id|scope|role)="([\w-]+)"(?=[ >])')
"""Attributes that HTML lets stand without quotes."""
BEFORE_BLOCK = re.compile(
    r"\n(?=</?(?:caption|dd|details|div|dl|dt|figcaption|figure|h[1-6]|li|ol|p|section|summary|table|tbody|td|th|thead|tr|ul)\b)"
)
"""A line's end that a browser does not show: the next line begins with a block."""
INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
STYLE_BLANKS = re.compile(r'("[^"]*")|\s*([{},;>])\s*|(?<=:) +')
"""Blanks that style does not need, and the strings in which it does."""


class _Loader(PackageLoader):
    """Templates without the indentation and the quotes that only their readers need: a third of the page."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool] | None]:
        source, path, is_current = super().get_source(environment, template)
        lines = (UNQUOTED.sub(r" \1=\2", line.lstrip()) for line in source.splitlines())
        return BEFORE_BLOCK.sub("", "\n".join(lines)), path, is_current


def _shown(value: object) -> object:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _unbroken(form: Callable[[float | None], str]) -> Callable[[float | None], str]:
    """A number that stays on one line with its unit."""
    return lambda number: form(number).replace(" ", "\u00a0")


def _exact(text: str) -> Markup:
    """The text escaped for an attribute but otherwise as it is: what a copy button copies."""
    whole = text.encode("utf-8", "replace").decode()  # a half of a pair can be written nowhere
    return Markup(CONTROL.sub(lambda found: f"&#{ord(found[0])};", str(escape(whole))))


def _svg_number(value: float) -> str:
    """A length in a drawing: short, so that 500 bars cost little."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _parts(names: tuple[str, ...], report: Report) -> tuple[str, ...]:
    """Style or script; what index advice or requests need is there only where there are some."""
    parts = {"indexes.": report.advice is not None, "endpoints.": endpoint_words.is_seen(report)}
    left_out = tuple(part for part, is_needed in parts.items() if not is_needed)
    return tuple(static(name) for name in names if not name.startswith(left_out))


def static(name: str) -> str:
    """A style or a script, without what only its readers need."""
    # A checkout may turn line ends round; a browser turns them back before it takes the hash.
    text = resources.files(TEMPLATES).joinpath(name).read_text("utf-8").replace("\r\n", "\n")
    text = INDENT.sub("", COMMENT.sub("", text))
    return STYLE_BLANKS.sub(lambda found: found[1] or found[2] or "", text) if name.endswith(".css") else text


def _hash(content: str) -> str:
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"
