"""A migration for Django: the SQL as it is, with a word on how the models may state the same."""

from collections.abc import Iterator, Sequence

from pgadvisor.migrations.index_parts import index_parts
from pgadvisor.migrations.python_text import literal, literals
from pgadvisor.migrations.steps import HEED, Line, Step, summary, way_down, way_up

NAME_SIGNS = 30
"""The longest name that Django takes for an index of a model (models.E034)."""
_CLASSES = {"btree": "Index", "gin": "GinIndex", "gist": "GistIndex", "brin": "BrinIndex", "hash": "HashIndex",
            "spgist": "SpGistIndex"}  # fmt: skip
"""In `django.contrib.postgres.indexes`, but for the first one, which is in `django.db.models`."""
_STATE = (
    "The models need not know these indexes. One that shall be in Meta.indexes is told beside its step, with columns",
    "where fields belong; give the AddIndex that makemigrations then writes to RunSQL as state_operations=[...].",
)


def django_file(steps: Sequence[Step]) -> str:
    """The file."""
    head = [f'"""{summary(steps)}."""', "", *(f"# {each}" for each in (*HEED, *_STATE)), ""]
    return "\n".join(
        (
            *head,
            "from django.db import migrations",
            "",
            "",
            "class Migration(migrations.Migration):",
            "    atomic = False",
            '    dependencies = []  # the last migration of the app: ("app", "0001_initial")',
            "    operations = [",
            *_run_sql(steps),
            "    ]",
            "",
        )
    )


def _run_sql(steps: Sequence[Step]) -> Iterator[str]:
    for step in steps:
        yield from (f"        # {each}" for each in _stated(step))
        yield "        migrations.RunSQL("
        yield "            sql=["
        yield from _listed(way_up((step,)))
        yield "            ],"
        yield "            reverse_sql=["
        yield from _listed(way_down((step,)))
        yield "            ],"
        yield "        ),"


def _listed(script: Sequence[Line]) -> Iterator[str]:
    """Each statement apart, as it is: without parameters Django leaves percent signs alone."""
    for each in script:
        if each.text:
            yield f"                # {each.text}" if each.is_comment else f"                {literal(each.text)},"


def _stated(step: Step) -> Iterator[str]:
    """How the model may state the index that the step makes."""
    found = [parts for parts in map(index_parts, step.up) if parts]
    if len(found) != 1 or not all(key.column and key.is_usual for key in found[0].keys):
        return
    index = found[0]
    fields = tuple(f"{'-' if key.is_descending else ''}{key.column}" for key in index.keys)
    classes = tuple(key.operator_class or "" for key in index.keys)
    if any(classes) and not all(classes):
        return
    said = [f"fields={literals(fields)}", f"name={literal(index.name)}"]
    if any(classes):
        said.append(f"opclasses={literals(classes)}")
    if index.included:
        said.append(f"include={literals(index.included)}")
    if index.predicate:
        said.append("condition=models.Q(...)")
    package = "models" if index.method == "btree" else "django.contrib.postgres.indexes"
    yield f"Meta.indexes: {package}.{_CLASSES.get(index.method, 'Index')}({', '.join(said)})"
    if len(index.name) > NAME_SIGNS:
        yield f"There it needs another name: Django takes {NAME_SIGNS} signs, this one has {len(index.name)}."
