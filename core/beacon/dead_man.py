"""The dead man's switch: an address outside is told every minute that we live, and raises the alarm when it is not."""

from __future__ import annotations

from urllib.parse import urlsplit

from core.clock import MINUTE
from core.desk import Desk
from core.errors import RemoteRefused, RemoteUnreachable, TocsinError

# Seconds to connect, and to answer.
TIMEOUT = 5.0


class DeadMan:
    """Tells the address of the setting `dead_man_url` once a minute of the desk's clock; does nothing without one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._told_us: int | None = None
        self._error: TocsinError | None = None

    def turn(self) -> None:
        """Tell it where a minute has passed (or the clock was set back).

        Raises RemoteUnreachable or RemoteRefused where it could not be told, at every turn until it can.
        """
        url, now = self._desk.settings.dead_man_url, self._desk.now_us()
        if not url:
            return
        if self._told_us is None or not 0 <= now - self._told_us < MINUTE:
            self._told_us = now
            self._error = _tell(url)
        if self._error is not None:
            raise self._error


def _tell(url: str) -> TocsinError | None:
    import httpx

    # The path of such an address is its secret: only its host is ever shown.
    host = urlsplit(url).hostname
    try:
        with httpx.stream("GET", url, timeout=TIMEOUT, follow_redirects=True) as answer:
            if answer.is_success:
                return None
            return RemoteRefused(f"{host} answered {answer.status_code}", "check dead_man_url in settings.toml")
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        return RemoteUnreachable(f"{host} was not told: {type(error).__name__}", "check dead_man_url and the network")
