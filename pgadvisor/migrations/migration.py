"""A whole migration file that carries out index advice."""

from collections.abc import Sequence
from typing import Literal

from pgadvisor.migrations.alembic_file import alembic_file
from pgadvisor.migrations.django_file import django_file
from pgadvisor.migrations.sql_file import sql_file
from pgadvisor.migrations.steps import steps_of
from pgadvisor.model.advice import AdvisedIndex, DroppedIndex

MigrationKind = Literal["sql", "alembic", "django"]


def migration(kind: MigrationKind, creates: Sequence[AdvisedIndex], drops: Sequence[DroppedIndex]) -> str:
    """The file, with a way up and a way down; the same advice gives the same bytes.

    The indexes to create keep their order; each index is dropped once what does its work is there.
    """
    write = {"sql": sql_file, "alembic": alembic_file, "django": django_file}[kind]
    return write(steps_of(creates, drops))
