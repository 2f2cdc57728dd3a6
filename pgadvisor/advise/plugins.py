"""Rules of other packages: what they offer under the entry point group `pgadvisor.rules`."""

import importlib
import pkgutil
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

from pgadvisor.errors import UsageError

GROUP = "pgadvisor.rules"


def plugged_in() -> Iterator[tuple[ModuleType, str]]:
    """Each module that holds a rule, with the name of its package; an entry point may name a module, or a folder of
    them. Raises UsageError when one cannot be loaded."""
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        package = point.dist.name if point.dist else point.module
        for module in _loaded(point, package):
            yield module, package


def _loaded(point: EntryPoint, package: str) -> list[ModuleType]:
    try:
        module = importlib.import_module(point.module)
        below = sorted(each.name for each in pkgutil.iter_modules(getattr(module, "__path__", ())))
        return [importlib.import_module(f"{module.__name__}.{name}") for name in below] or [module]
    except Exception as error:
        raise UsageError(
            f'the rules of the package {package} cannot be loaded ("{point.value}"): {type(error).__name__}: {error}; '
            f"mend the package, or uninstall it"
        ) from error
