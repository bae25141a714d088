"""What an action acts on: bound at the moment a key is pressed, whatever a refresh does meanwhile."""

from __future__ import annotations

from typing import NamedTuple


class Subject(NamedTuple):
    """An incident, model, job or data set by its id, with the model and endpoint it concerns where it has them."""

    what: str
    id: str
    model: str = ""
    endpoint: str = ""
    runbook: str = ""
    text: str = ""

    @property
    def number(self) -> int:
        """The id as the number that incidents and jobs have."""
        return int(self.id)
