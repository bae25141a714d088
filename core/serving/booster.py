"""LightGBM's single-row fast C interface: the library's own scoring without its Python package's import and copies.

Run as a program it is the trial of a model text that nobody has tried yet: LightGBM ends the whole process on some
damaged texts, so a text is first loaded in a process that may end.
"""

from __future__ import annotations

import ctypes
import importlib.util
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.errors import BadInput, StoreUnusable

TRIAL_SECONDS = 60
_SAID_NO = 3
_NORMAL, _FLOAT64 = 0, 1
_NAMES = ("lib_lightgbm.so", "lib_lightgbm.dylib", "lib_lightgbm.dll")
_DAMAGED = "the endpoint keeps what it has: send a model file that loads"


@lru_cache(maxsize=1)
def _library() -> Any:
    spec = importlib.util.find_spec("lightgbm")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        for name in _NAMES:
            for path in (Path(folder, "lib", name), Path(folder, name)):
                if path.is_file():
                    return _declared(path)
    raise StoreUnusable("LightGBM's library is not installed", "pip install lightgbm")


def _declared(path: Path) -> Any:
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise StoreUnusable(f"LightGBM cannot be loaded: {error}", "install the system library libgomp1") from error
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    library.LGBM_BoosterPredictForMatSingleRowFast.argtypes = [ctypes.c_void_p] * 4
    library.LGBM_BoosterFree.argtypes = [ctypes.c_void_p]
    library.LGBM_FastConfigFree.argtypes = [ctypes.c_void_p]
    return library


class Booster:
    """A model text made ready to score one row at a time, with one thread, in the caller's.

    `width` is the number of columns it must have, `outputs` that of the scores it gives for a row. Raises BadInput
    where the text does not load, or has others.
    """

    def __init__(self, text: str, width: int, outputs: int = 1) -> None:
        _require_whole(text.encode())
        self._library = _library()
        self._handle, self._config = ctypes.c_void_p(), ctypes.c_void_p()
        trees, columns, scores = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
        self._check(
            self._library.LGBM_BoosterLoadModelFromString(
                text.encode(), ctypes.byref(trees), ctypes.byref(self._handle)
            )
        )
        self._check(self._library.LGBM_BoosterGetNumFeature(self._handle, ctypes.byref(columns)))
        if columns.value != width:
            raise BadInput(f"the model has {columns.value} columns, its file says {width}", _DAMAGED)
        self._check(self._library.LGBM_BoosterGetNumClasses(self._handle, ctypes.byref(scores)))
        # LightGBM writes as many scores as it has, whatever room there is.
        if scores.value != outputs:
            raise BadInput(f"the model gives {scores.value} scores, its file says {outputs}", _DAMAGED)
        self._check(
            self._library.LGBM_BoosterPredictForMatSingleRowFastInit(
                self._handle, _NORMAL, 0, -1, _FLOAT64, width, b"num_threads=1", ctypes.byref(self._config)
            )
        )
        self._row = (ctypes.c_double * width)()
        self._scores, self._length = (ctypes.c_double * outputs)(), ctypes.c_int64()
        self._predict = self._library.LGBM_BoosterPredictForMatSingleRowFast
        self._arguments = (
            self._config.value,
            ctypes.addressof(self._row),
            ctypes.addressof(self._length),
            ctypes.addressof(self._scores),
        )

    def score(self, row: list[float]) -> float:
        """The score of one row, not-a-number standing for missing: the first one where there are several.

        One buffer is used again and again: call it from one thread.
        """
        self._row[:] = row  # type: ignore[assignment]
        if self._predict(*self._arguments):
            raise RuntimeError(self._last_error())
        return self._scores[0]

    def scores(self, row: list[float]) -> list[float]:
        """All scores of one row, as `score` gives the first."""
        self.score(row)
        return self._scores[:]

    def _check(self, code: int) -> None:
        if code:
            raise BadInput(f"damaged model: {self._last_error()}", _DAMAGED)

    def _last_error(self) -> str:
        return str(self._library.LGBM_GetLastError().decode("utf-8", "replace"))[:200]

    def __del__(self) -> None:
        if getattr(self, "_config", None):
            self._library.LGBM_FastConfigFree(self._config)
        if getattr(self, "_handle", None):
            self._library.LGBM_BoosterFree(self._handle)


def _require_whole(text: bytes) -> None:
    """Raise BadInput where the trees are not as long as their own table says: LightGBM reads on beyond a cut text, and
    what it finds there decides whether it notices.
    """
    head, found, trees = text.partition(b"\nTree=0\n")
    sizes = [line for line in head.split(b"\n") if line.startswith(b"tree_sizes=")]
    try:
        length = sum(int(size) for size in sizes[0].removeprefix(b"tree_sizes=").split())
    except (IndexError, ValueError):
        length = -1
    if not found or not (b"Tree=0\n" + trees)[length:].startswith(b"end of trees"):
        raise BadInput("damaged model: its text is cut short", _DAMAGED)


def try_out(text: str, width: int, outputs: int = 1) -> None:
    """Load a model text in a process of its own and score one row. Raises BadInput where that process fails."""
    command = [sys.executable, "-m", "core.serving.booster", str(width), str(outputs)]
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=TRIAL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise BadInput("damaged model: it does not load in a minute", _DAMAGED) from None
    if done.returncode == _SAID_NO:
        raise BadInput(done.stderr.decode("utf-8", "replace").strip(), _DAMAGED)
    if done.returncode:
        raise BadInput("damaged model: LightGBM ends on it", _DAMAGED)


def _trial() -> int:
    width, outputs = map(int, sys.argv[1:])
    try:
        Booster(sys.stdin.buffer.read().decode(), width, outputs).score([0.0] * width)
    except BadInput as error:
        sys.stderr.write(error.message + "\n")
        return _SAID_NO
    return 0


if __name__ == "__main__":
    sys.exit(_trial())
