"""Declared views as saved in a home: every content is a version, and the same content is saved once."""

from __future__ import annotations

from dataclasses import dataclass

from core.desk import Desk
from core.errors import BadInput, NotFound
from core.features.declared import FeatureView, Pinned, from_json, pin
from core.store import Row, Store, Tx

ALL = "SELECT * FROM feature_view ORDER BY name, version"
LATEST = "SELECT * FROM feature_view WHERE name = ? ORDER BY version DESC LIMIT 1"
ONE = "SELECT * FROM feature_view WHERE name = ? AND version = ?"
BY_HASH = "SELECT * FROM feature_view WHERE name = ? AND sha256 = ?"
INSERT = """INSERT INTO feature_view(name, version, sha256, spec, created_us)
VALUES (:name, (SELECT coalesce(max(version), 0) + 1 FROM feature_view WHERE name = :name), :sha256, :spec, :now)"""


@dataclass(frozen=True)
class SavedView:
    """A version of a view: immutable."""

    name: str
    version: int
    sha256: str
    pinned: Pinned
    created_us: int

    @classmethod
    def of(cls, row: Row) -> SavedView:
        """The version of a row of the `feature_view` table."""
        return cls(row["name"], row["version"], row["sha256"], from_json(row["spec"]), row["created_us"])

    @property
    def view(self) -> FeatureView:
        """The view as declared."""
        return self.pinned.view

    @property
    def text(self) -> str:
        """How it is written: `flight@2`."""
        return f"{self.name}@{self.version}"


def add(desk: Desk, view: FeatureView) -> tuple[SavedView, bool]:
    """Save a view as the next version of its name; False where this content is a version already.

    Raises NotFound for a function that is not installed.
    """
    pinned = pin(view)
    with desk.write() as tx:
        before = _same(tx, pinned)
        if before is not None:
            return before, False
        values = {"name": view.name, "sha256": pinned.sha256, "spec": pinned.to_json(), "now": desk.now_us()}
        tx.execute(INSERT, values)
        saved = _same(tx, pinned)
        assert saved is not None
        data = {"view": saved.name, "view_version": saved.version, "sha256": saved.sha256}
        desk.record(tx, "feature.saved", data=data)
    return saved, True


def find(store: Store | Tx, view: FeatureView) -> SavedView | None:
    """The version that has this content, or None."""
    return _same(store, pin(view))


def _same(store: Store | Tx, pinned: Pinned) -> SavedView | None:
    row = store.one(BY_HASH, (pinned.view.name, pinned.sha256))
    return SavedView.of(row) if row else None


def views(store: Store | Tx) -> list[SavedView]:
    """Every version of every view, by name and version."""
    return [SavedView.of(row) for row in store.read(ALL)]


def saved_view(store: Store | Tx, text: str) -> SavedView:
    """The view of `NAME`, its latest version, or of `NAME@VERSION`. Raises NotFound, BadInput for another text."""
    name, at, version = text.partition("@")
    if at and not (version.isascii() and version.isdigit() and len(version) < 10):
        raise BadInput(f"{text!r} names no version of a view", "write NAME, or NAME@2")
    row = store.one(ONE, (name, int(version))) if at else store.one(LATEST, (name,))
    if row is None:
        raise NotFound(f"there is no feature view {text!r}", "`tocsin feature list` shows what there is")
    return SavedView.of(row)
