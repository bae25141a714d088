"""MLflow, as Tocsin's seam for trackers asks for it."""

from __future__ import annotations

from pathlib import Path

from core.tracking.adapter import Packed, Unpacked
from plugins.tracking_mlflow import directory


class MlflowTracker:
    """Reads and writes MLflow's model directories."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url

    @staticmethod
    def pack(packed: Packed) -> dict[str, bytes]:
        """The files of a model directory that MLflow loads."""
        return directory.pack(packed)

    @staticmethod
    def unpack(folder: Path) -> Unpacked:
        """A model directory of ours, or of mlflow.lightgbm."""
        return directory.unpack(folder)
