"""The base of every record: frozen, keyword-only, strict about unknown fields."""

from typing import Any, dataclass_transform

import msgspec


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(msgspec.field,))
class _RecordMeta(msgspec.StructMeta):
    """msgspec does not inherit `kw_only`; this sets it for every record."""

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any) -> Any:
        return super().__new__(mcls, name, bases, namespace, **{"kw_only": True, **config})


class Record(msgspec.Struct, metaclass=_RecordMeta, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A noun of pgadvisor. `None` means not known; a change is a new record (`msgspec.structs.replace`)."""
