"""One error class for each decision an operator can take; the hint is the next step."""

from __future__ import annotations


class TocsinError(Exception):
    """An error a person can act on: one line that says what, one that says what to do next.

    `exit_code` is what a command ends with (see `tocsin --help`).
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class CheckFailed(TocsinError):
    """A check ran and said no: a gate, a contract, drift, an audit."""

    exit_code = 1


class BadInput(TocsinError):
    """What the user gave cannot be used as it is."""

    exit_code = 2


class NotFound(TocsinError):
    """The thing named does not exist."""

    exit_code = 3


class RemoteUnreachable(TocsinError):
    """The endpoint did not answer, or not in time: trying again later may help."""

    exit_code = 4


class RemoteRefused(TocsinError):
    """The endpoint answered and said no, or answered what nobody can read: trying again as it is will not help."""

    exit_code = 4


class NotAllowed(TocsinError):
    """The actor, or the mode the store is in, does not permit this."""

    exit_code = 5


class StoreUnusable(TocsinError):
    """The local store cannot be opened, read or written."""

    exit_code = 6


class Interrupted(TocsinError):
    """The user stopped the command."""

    exit_code = 130
