"""Marks of templates in SQL: `{{ x }}`, `${x}`, `%(x)s`, `:x`, and texts that parse in spite of them."""

import re

from pgadvisor.sql.parse import is_valid

_MARK = re.compile(
    r"\{\{[^{}]{0,200}\}\}|\$\{[^{}\n;]{1,200}\}|%\([A-Za-z_]\w*\)s|(?P<blank>\{%[^{}]{0,500}%\}|\{#[^{}]{0,500}#\})"
)
_VARIABLE = re.compile(r"(?<![:\w\]])(?P<variable>:(?:[A-Za-z_]\w*|'\w+'|\"\w+\"))")
_ANY = re.compile(f"{_MARK.pattern}|{_VARIABLE.pattern}")


def masked(text: str) -> str:
    """The text with a name of the same length for each mark, so that it can be split; `:x` stays."""
    return _MARK.sub(_name, text) if "{" in text or "%(" in text else text


def filled(text: str) -> tuple[str, tuple[str, ...]]:
    """A statement that parses, with neutral names or constants for its marks; and what was done, as clauses.

    The text as it is where it parses so (a mark within a string harms nothing), or in no way.
    """
    marks = tuple(dict.fromkeys(each[0] for each in _ANY.finditer(text)))
    if not marks or is_valid(text):
        return text, ()
    for form, kind in ((_name, "a name"), (_constant, "a constant")):
        if is_valid(found := _ANY.sub(form, text)):
            return found, tuple(f"the template's {mark} is read as {kind}" for mark in marks)
    return text, tuple(f"what the template's {mark} stands for is not known" for mark in marks)


def _name(mark: re.Match[str]) -> str:
    """A name of the same length; of `:'x'` the string that it stands for."""
    groups = mark.groupdict()
    if groups["blank"]:
        return re.sub(r"[^\n]", " ", mark[0])
    if (variable := groups.get("variable")) is not None:
        return f" {variable[1:]}"
    first, *rest = mark[0].split("\n")
    name = re.sub(r"\W", "_", first, flags=re.ASCII)
    return "\n".join([name, *(" " * len(each) for each in rest)])


def _constant(mark: re.Match[str]) -> str:
    """A string constant of the same length."""
    name = _name(mark)
    return f"'{name[1:-1]}'" if len(name) > 2 and "'" not in name and '"' not in name and name.strip() else name
