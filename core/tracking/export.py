"""Write a version as a directory that another house's tools load: whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from core.desk import Desk
from core.errors import BadInput
from core.registry import versions
from core.tracking.adapter import Packed, tracker_class
from core.training.artefact import Artefact

# What stands for a time in an example: a category without levels is one, as texts of ISO 8601.
INSTANT = "2000-01-01T00:00:00Z"


def packed(desk: Desk, model: str, number: int) -> Packed:
    """A version made ready for packing. Raises NotFound, and StoreUnusable for a damaged model file."""
    artefact = versions.load_artefact(desk, model, number)
    return Packed(artefact, versions.version(desk.store, model, number), example(artefact))


def example(artefact: Artefact) -> dict[str, float | str]:
    """One row of inputs: the middle edge of a number's bins, the commonest level of a text."""
    row: dict[str, float | str] = {}
    for feature in artefact.features:
        edges = artefact.reference.features[feature.name].edges
        levels = feature.levels or (INSTANT,)
        row[feature.name] = (edges[len(edges) // 2] if edges else 0.0) if feature.kind == "number" else levels[0]
    return row


def files(desk: Desk, model: str, number: int, kind: str) -> dict[str, bytes]:
    """The files that `write` writes, by relative path; raises as it does."""
    return tracker_class(kind).pack(packed(desk, model, number))


def write(desk: Desk, model: str, number: int, target: Path, kind: str = "mlflow") -> list[str]:
    """Write a version into a new directory; returns the paths within it.

    Raises NotFound, BadInput where the directory is there already or cannot be made, or the kind cannot hold the
    version: nothing is then left behind.
    """
    content = files(desk, model, number, kind)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BadInput(f"{target} is there already", "name a new directory")
    try:
        _write(content, target)
    except OSError as error:
        raise BadInput(f"{target} cannot be written: {error.strerror}", "name another directory") from error
    return sorted(content)


def _write(content: dict[str, bytes], target: Path) -> None:
    """Beside its place first, so that nobody finds half of it there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        for name, body in content.items():
            path = beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        beside.chmod(0o755)
        os.replace(beside, target)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
