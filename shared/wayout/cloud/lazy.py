"""Google's libraries, without the parts of them that nobody uses.

A client library imports every service of its API, which for Compute Engine are 130. It says itself in
`__lazy_modules__` which of its modules Python may load at their first use (PEP 810). Python 3.15 does so; on older
ones `install` makes the import system do it. A library that is not as we know it is imported whole, as ever, with a
warning in the log.
"""

from __future__ import annotations

import builtins
import importlib
import sys
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.abc import InspectLoader, Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import resolve_name
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any

from wayout.cloud import log

LIBRARIES = ("google.cloud.compute_v1", "google.cloud.run_v2", "google.pubsub_v1")


class UnfitError(Exception):
    """A library cannot be loaded in parts; in words why."""


def install(libraries: Iterable[str] = LIBRARIES) -> None:
    """From now on these packages load what they declare as lazy at its first use. Those that are loaded stay as is."""
    if sys.version_info < (3, 15) and not any(isinstance(one, _Finder) for one in sys.meta_path):
        sys.meta_path.insert(0, _Finder(frozenset(libraries)))


class _Finder(MetaPathFinder):
    """Finds the packages where Python finds them, and has them executed by us."""

    def __init__(self, libraries: frozenset[str]) -> None:
        self._libraries = libraries

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._libraries:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec and isinstance(spec.loader, InspectLoader):
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    """Executes a package in parts if it can be done, or else as its own loader does, which it is left with."""

    def __init__(self, plain: InspectLoader) -> None:
        self._plain = plain

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._plain.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__:
            module.__loader__ = module.__spec__.loader = self._plain
        untouched = dict(vars(module))
        try:
            _execute(module, self._plain.get_code(module.__name__))
        except Exception as error:  # noqa: BLE001 - whatever it is, the plain import raises it too or does without
            log.warning("library is loaded whole, which takes longer", library=module.__name__, why=str(error))
            vars(module).clear()
            vars(module).update(untouched)
            self._plain.exec_module(module)


class _Awaited:
    """Stands for a name of a lazy module while the package is executed."""

    def __init__(self, module: str, name: str) -> None:
        self._source = module, name


class _Importer:
    """The `import` statement of a package while it is executed: a lazy module's names are only noted down."""

    def __init__(self, package: ModuleType) -> None:
        self._package = package
        self.executing = True

    def __call__(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002 - Python's name
        locals: Mapping[str, object] | None = None,  # noqa: A002 - Python's name
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        if self.executing and fromlist and "*" not in fromlist:
            full = resolve_name("." * level + name, self._package.__name__)
            if full in vars(self._package).get("__lazy_modules__", ()):
                return SimpleNamespace(**{one: _Awaited(full, one) for one in fromlist})
        return builtins.__import__(name, globals, locals, fromlist or (), level)


def _execute(package: ModuleType, code: CodeType | None) -> None:
    """Raises UnfitError, or what the package's code runs into, if it needs one of its lazy names right away."""
    if code is None:
        raise UnfitError("it has no code")
    space, importer = vars(package), _Importer(package)
    space["__builtins__"] = {**vars(builtins), "__import__": importer}
    try:
        exec(code, space)  # noqa: S102 - which is what importing is
    finally:
        importer.executing = False
    space["__builtins__"] = vars(builtins)
    sources = _taken_out(space)
    if not sources:
        raise UnfitError("it declares no lazy modules")
    if "__getattr__" in space:
        raise UnfitError("it has a `__getattr__` of its own")
    if used := sources.keys() & set(_names(code)):
        raise UnfitError(f"its functions use {', '.join(sorted(used))}")
    _promise(package, sources)


def _taken_out(space: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Module and name of what each awaited name stands for, which is taken out. Raises UnfitError if others hold it."""
    found = {name: value for name, value in space.items() if isinstance(value, _Awaited)}
    sources = {name: value._source for name, value in found.items()}  # noqa: SLF001 - so that it has no plain name
    held = [weakref.ref(value) for value in found.values()]
    for name in sources:
        del space[name], found[name]
    if kept := [name for name, one in zip(sources, held, strict=True) if one() is not None]:
        raise UnfitError(f"it keeps {', '.join(kept)}")
    return sources


def _names(code: CodeType) -> Iterator[str]:
    """The names that functions and classes within some code may use."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from inner.co_names
            yield from _names(inner)


def _promise(package: ModuleType, sources: Mapping[str, tuple[str, str]]) -> None:
    """Let the package load each name when it is asked for it, and its subpackages of lazy modules too."""
    space, prefix = vars(package), f"{package.__name__}."
    inside = {module.removeprefix(prefix).split(".")[0] for module, _ in sources.values() if module.startswith(prefix)}

    def load(name: str) -> Any:
        if name in sources:
            module, original = sources[name]
            space[name] = getattr(importlib.import_module(module), original)
        elif name in inside:
            space[name] = importlib.import_module(prefix + name)
        else:
            raise AttributeError(f"module {package.__name__!r} has no attribute {name!r}")
        return space[name]

    space["__getattr__"] = load
    space["__dir__"] = lambda: sorted({*space, *sources, *inside})
