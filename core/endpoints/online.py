"""Give endpoints the online states of the views that their models look up in, the newest after each materialisation."""

from __future__ import annotations

import hashlib
import json
from typing import cast

from core.desk import Desk
from core.endpoints import breaker, rows
from core.endpoints.adapter import ONLINE, KeepsOnline, connect
from core.endpoints.rows import Endpoint
from core.errors import TocsinError
from core.features.online import reached, state_of, to_wire
from core.features.saved import SavedView, saved_view

# The views with aggregates of every version that an endpoint serves or is to serve.
NEEDED = """SELECT DISTINCT json_extract(v.parameters, '$.view') AS view FROM deployment AS d
JOIN model_version AS v ON v.model = d.model AND v.version = d.version
WHERE d.endpoint = ? AND d.state IN ('queued', 'applied') AND v.stage <> 'retired'
AND json_extract(v.parameters, '$.sources') IS NOT NULL ORDER BY 1"""


class Feeder:
    """Gives each endpoint each state once; which have it is remembered only as long as this process lives."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._given: dict[tuple[str, str], dict[str, int]] = {}

    def turn(self, endpoint: str | None = None) -> None:
        """Give the newest states to one endpoint, or to all; one that cannot be reached waits for the next turn."""
        for one in rows.endpoints(self._desk.store):
            left_alone = one.paused or breaker.is_open(one, self._desk.now_us())
            if endpoint in (None, one.name) and not left_alone:
                for row in self._desk.store.read(NEEDED, (one.name,)):
                    self._feed(one, saved_view(self._desk.store, row["view"]))

    def _feed(self, endpoint: Endpoint, view: SavedView) -> None:
        reach = reached(self._desk.store, view.name, view.version)
        if not reach or self._given.get((endpoint.name, view.text)) == reach:
            return
        try:
            adapter = connect(endpoint)
        except TocsinError:
            # It has no token or no adapter at the moment: its row says so since its telemetry was asked for.
            return
        if ONLINE in adapter.capabilities:
            state = to_wire(state_of(self._desk.store, view.name, view.version))
            content = json.dumps(state, separators=(",", ":")).encode()
            sha256 = hashlib.sha256(content).hexdigest()
            if cast(KeepsOnline, adapter).keep_online(view.name, view.version, content, sha256).kind == "later":
                return
        self._given[endpoint.name, view.text] = reach
