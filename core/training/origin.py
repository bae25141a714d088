"""Where a model comes from: the hash of the code that made it, and what that code ran on."""

from __future__ import annotations

import hashlib
from importlib import resources

PACKAGES = ("core.features", "core.measures", "core.training")


def code_hash() -> str:
    """SHA-256 over the source of the feature, measure and training modules, by name."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        for file in sorted(resources.files(package).iterdir(), key=lambda item: item.name):
            if file.name.endswith(".py"):
                digest.update(f"{package}.{file.name}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()


def environment() -> dict[str, str]:
    """The versions that a reproduction would need, and the platform."""
    import platform
    from importlib.metadata import version

    packages = {name: version(name) for name in ("lightgbm", "numpy", "pyarrow")}
    return {"python": platform.python_version(), **packages, "platform": platform.platform()}
