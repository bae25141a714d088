"""The scoring code as a package of its own: the modules that training and serving use, found by their imports."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files

LOADER = "plugins.tracking_mlflow.loader"


@lru_cache(maxsize=1)
def scoring_code() -> tuple[str, dict[str, bytes]]:
    """The name of the package, and its files by path: `loader.py` with all of `core` that it needs.

    The name holds the hash of the sources: different code never goes by one name.
    """
    sources = {name: source for name, source in _sources().items() if name != "core"}
    digest = hashlib.sha256("".join(f"{name}\0{sources[name]}\0" for name in sorted(sources)).encode()).hexdigest()
    package = f"tocsin_scoring_{digest[:12]}"
    content = {f"{package}/__init__.py": b'"""Scores raw inputs as Tocsin does."""\n'}
    for name, source in sources.items():
        place = "loader" if name == LOADER else name.removeprefix("core.").replace(".", "/")
        path = f"{place}/__init__.py" if _is_package(name) else f"{place}.py"
        content[f"{package}/{path}"] = _renamed(source, package).encode()
    return package, content


def _sources() -> dict[str, str]:
    """The loader and every module of `core` that it imports, at whatever depth."""
    found: dict[str, str] = {}
    wanted = [LOADER]
    while wanted:
        name = wanted.pop()
        if name not in found and (source := _source(name)) is not None:
            found[name] = source
            wanted += _imports(source)
    return found


def _source(name: str) -> str | None:
    """A module's text; None for a name that is none but something in a module."""
    package, _, last = name.rpartition(".")
    place = files(name).joinpath("__init__.py") if _is_package(name) else files(package).joinpath(f"{last}.py")
    return place.read_text("utf-8") if place.is_file() else None


def _is_package(name: str) -> bool:
    top, *below = name.split(".")
    return files(top).joinpath(*below, "__init__.py").is_file() if below else True


def _imports(source: str) -> Iterator[str]:
    for node in _own(source):
        assert node.module is not None
        steps = node.module.split(".")
        yield from (".".join(steps[:length]) for length in range(1, len(steps) + 1))
        if _is_package(node.module):
            yield from (f"{node.module}.{each.name}" for each in node.names)


def _own(source: str) -> list[ast.ImportFrom]:
    """The imports of our own: they are all written `from core... import`."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    return [node for node in nodes if (node.module or "").split(".")[0] == "core"]


def _renamed(source: str, package: str) -> str:
    lines = source.splitlines(keepends=True)
    for node in _own(source):
        lines[node.lineno - 1] = lines[node.lineno - 1].replace("from core", f"from {package}", 1)
    return "".join(lines)
