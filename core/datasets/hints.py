"""Hints that something changed in a folder. They may be lost, late or too many: only a scan tells the truth."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from threading import Event
from typing import Any

from core.datasets.mounts import on_network

# Seconds between the looks of an observer that has to look by itself.
POLL_EVERY = 5.0
# Events that our own reading causes.
IDLE = ("opened", "closed_no_write")


class Hints:
    """Observers of any number of folders: the kernel's where it tells of changes, polling ones on network mounts."""

    def __init__(self) -> None:
        self._observers: dict[Path, Any] = {}
        self._changed = Event()

    def follow(self, folders: Iterable[Path]) -> None:
        """Observe these folders and no others; one that cannot be observed is left to the scans."""
        wanted = set(folders)
        for path in self._observers.keys() - wanted:
            self.forget(path)
        for path in wanted - self._observers.keys():
            self._observe(path)

    def polling(self, folder: Path) -> bool:
        """Whether a folder is observed by polling."""
        from watchdog.observers.polling import PollingObserver

        return isinstance(self._observers.get(folder), PollingObserver)

    def forget(self, folder: Path) -> None:
        """Observe a folder no longer: it is removed, or its mount went away and took the observer's eyes with it."""
        observer = self._observers.pop(folder, None)
        if observer is not None:
            observer.stop()
            observer.join()

    def take(self) -> bool:
        """Whether something changed since this was last asked."""
        changed = self._changed.is_set()
        self._changed.clear()
        return changed

    def close(self) -> None:
        """End all observers."""
        self.follow(())

    def _observe(self, path: Path) -> None:
        from watchdog.events import FileSystemEvent, FileSystemEventHandler
        from watchdog.observers import Observer
        from watchdog.observers.polling import PollingObserver

        changed = self._changed

        class Handler(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                if not event.is_directory and event.event_type not in IDLE:
                    changed.set()

        observer = PollingObserver(timeout=POLL_EVERY) if on_network(path) else Observer()
        observer.schedule(Handler(), str(path))
        try:
            observer.start()
        except OSError:
            # No folder, or the kernel's watches are used up.
            return
        self._observers[path] = observer
