"""A column under a second name: both hold the same values until the old one is dropped."""

from pgadvisor.migration_facts import MigrationStep
from pgadvisor.safe_forms.batches import update_in_batches
from pgadvisor.safe_forms.spelled import alter, script, table_name, table_sql, timeout
from pgadvisor.sql.identifiers import object_name, quoted


def same_values_script(step: MigrationStep, old: str, new: str, kind: str) -> str:
    """A column of the new name and that type, which a trigger keeps like the old one whichever is written; old rows get
    it in batches."""
    was, now = quoted(old), quoted(new)
    function = quoted(object_name(table_name(step), (old, new), "sync"))
    body = (
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$\n"
        "BEGIN\n"
        "  IF TG_OP = 'INSERT' THEN\n"
        f"    NEW.{now} := coalesce(NEW.{now}, NEW.{was});\n"
        f"    NEW.{was} := NEW.{now};\n"
        f"  ELSIF NEW.{now} IS DISTINCT FROM OLD.{now} THEN\n"
        f"    NEW.{was} := NEW.{now};\n"
        "  ELSE\n"
        f"    NEW.{now} := NEW.{was};\n"
        "  END IF;\n"
        "  RETURN NEW;\n"
        "END $$"
    )
    trigger = (
        f"CREATE TRIGGER {function} BEFORE INSERT OR UPDATE ON {table_sql(step)}\n"
        f"FOR EACH ROW EXECUTE FUNCTION {function}()"
    )
    return script(
        *timeout(step),
        alter(step, f"ADD COLUMN {now} {kind}"),
        body,
        trigger,
        update_in_batches(table_sql(step), f"{now} = {was}", f"{now} IS DISTINCT FROM {was}"),
    )
