"""Whether a folder is on another machine's disk, where the kernel tells nobody of changes."""

from __future__ import annotations

import re
from pathlib import Path

NETWORK = re.compile(
    r"nfs\d?|cifs|smb\w*|9p|afs|afpfs|ceph|glusterfs|lustre|webdav|davfs|fuse\.(sshfs|s3fs|rclone|glusterfs)"
)
LINUX = Path("/proc/self/mounts")
# `//ana@host/share on /Volumes/share (smbfs, nodev)`: how `mount` tells it on macOS.
MAC = re.compile(r"^.* on (?P<point>/.*) \((?P<kind>[^,)]+)[^)]*\)$", re.MULTILINE)


def on_network(path: Path) -> bool:
    """Whether the file system of a folder is a network's; False where the system does not tell."""
    return NETWORK.fullmatch(kind(path, _mounts())) is not None


def kind(path: Path, mounts: dict[Path, str]) -> str:
    """The kind of file system a path is on, by the deepest mount above it; empty where none is known."""
    return next((mounts[point] for point in (path, *path.parents) if point in mounts), "")


def linux(text: str) -> dict[Path, str]:
    """The mounts in the text of /proc/self/mounts; the last on a point is the one seen."""
    rows = [line.split(" ") for line in text.splitlines()]
    return {Path(_plain(row[1])): row[2] for row in rows if len(row) > 2}


def mac(text: str) -> dict[Path, str]:
    """The mounts in what `mount` prints on macOS."""
    return {Path(match["point"]): match["kind"] for match in MAC.finditer(text)}


def _plain(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


def _mounts() -> dict[Path, str]:
    import subprocess

    if LINUX.exists():
        return linux(LINUX.read_text("utf-8", "replace"))
    done = subprocess.run(["mount"], capture_output=True, text=True, check=False)
    return mac(done.stdout)
