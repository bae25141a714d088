"""A `.dvc` file: what DVC says of a file or a folder, held against the data beside it or in the cache."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.datasets.source import Source, open_source
from core.errors import BadInput, NotFound

HINT = "`dvc pull` or `dvc checkout` puts the data of this .dvc file in place"
# Where DVC 3 and DVC 2 keep content, below the folder of the repository.
CACHES = (".dvc/cache/files/md5", ".dvc/cache")


def open_dvc(path: Path) -> Source:
    """The data of a `.dvc` file, beside it or from the cache, once md5 and size agree; its md5 is what is recorded.

    Raises BadInput for another file, or data that are not what it says; NotFound where they are nowhere.
    """
    out = _out(path)
    data, md5 = path.parent / out["path"], str(out["md5"])
    if md5.endswith(".dir"):
        _require_listed(path, data, md5)
    else:
        data = data if data.exists() else _cached(path, md5)
        _require_same(path, data, md5, out.get("size"))
    source = open_source(data)
    named = source if source.parts else dataclasses.replace(source, path=path.parent / out["path"])
    return dataclasses.replace(named, told=f"{path} (md5 {md5})")


def _out(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        said = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", "check the path; it is read from the current folder") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"{path} cannot be read as a .dvc file", "`dvc add FILE` makes one") from error
    outs = said.get("outs") if isinstance(said, dict) else None
    found = outs[0] if isinstance(outs, list) and len(outs) == 1 else None
    if not isinstance(found, dict) or not {"md5", "path"} <= found.keys():
        raise BadInput(f"{path} does not name one output with its md5", "`dvc add FILE` makes such a file")
    return found


def _require_same(path: Path, data: Path, md5: str, size: object) -> None:
    found = data.stat().st_size
    if isinstance(size, int) and found != size:
        raise BadInput(f"{data} has {found:,} bytes where {path.name} says {size:,}", HINT)
    if _md5(data) != md5:
        raise BadInput(f"{data} is not what {path.name} says: its md5 differs", HINT)


def _require_listed(path: Path, folder: Path, md5: str) -> None:
    """Hold a folder against its listing in the cache, and the listing against its own hash."""
    listing = _cached(path, md5)
    if _md5(listing) != md5.removesuffix(".dir"):
        raise BadInput(f"{listing} is damaged: its md5 differs", HINT)
    listed = {entry["relpath"]: entry["md5"] for entry in json.loads(listing.read_bytes())}
    there = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    if there != listed.keys():
        name = min(there ^ listed.keys())
        how = "extra" if name in there else "missing"
        raise BadInput(f"{folder} is not what {path.name} says: {name} is {how}", HINT)
    for name, wanted in listed.items():
        _require_same(path, folder / name, wanted, None)


def _cached(path: Path, md5: str) -> Path:
    for folder in path.absolute().parents:
        for cache in CACHES:
            kept = folder / cache / md5[:2] / md5[2:]
            if kept.is_file():
                return kept
    raise NotFound(f"the data of {path} are neither beside it nor in the cache", HINT)


def _md5(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
