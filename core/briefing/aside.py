"""What would stall a screen, in a process of its own: reads of whole snapshots and model files, and a release.

Started as `python -m core.briefing.aside SPEC`, it answers with one line of JSON. It ends with the task that waits for
it, and with its parent.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.desk import Desk
from core.errors import BadInput, CheckFailed, NotAllowed, NotFound, StoreUnusable, TocsinError
from core.home import Home
from core.work.limits import Limits

ERRORS = {kind.__name__: kind for kind in (BadInput, CheckFailed, NotAllowed, NotFound, StoreUnusable)}


async def aside(desk: Desk, verb: str, *args: Any) -> Any:
    """The plain data that a verb of VERBS answers with, asked for as the desk's actor. Raises TocsinError as it does,
    and CheckFailed where its process ended without an answer. Cancelled, it ends the process.
    """
    spec = {
        "home": str(desk.home.path),
        # Who has proven a key proves it again: the process inherits it.
        "actor": "" if desk.key else desk.actor,
        "parent": os.getpid(),
        "limits": vars(Limits.over({}, desk.settings.jobs)),
        "verb": verb,
        "args": args,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "core.briefing.aside", json.dumps(spec)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        answer, _ = await process.communicate()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
    if not answer:
        raise CheckFailed(f"the process for {verb!r} ended ({process.returncode})", f"try {TWINS[verb]}")
    return _answered(json.loads(answer))


def _answered(said: dict[str, Any]) -> Any:
    if "error" in said:
        raise ERRORS.get(said["kind"], CheckFailed)(said["error"], said["hint"])
    return said["answer"]


def _diff(desk: Desk, name: str, old: int, new: int) -> Any:
    from core.datasets import diff, rows

    return diff.diff(desk, rows.snapshot(desk.store, name, old), rows.snapshot(desk.store, name, new)).to_json()


def _shapes(desk: Desk, name: str, number: int) -> Any:
    from core.datasets import load, rows
    from core.datasets.shapes import shapes

    found = rows.snapshot(desk.store, name, number)
    return shapes(load.columns(desk, found), found.profile)


def _check(desk: Desk, name: str, number: int) -> Any:
    from core.datasets import load, rows
    from core.datasets.check import check

    found = rows.snapshot(desk.store, name, number)
    held = rows.contract(desk.store, name).contract
    return [one.to_json() for one in check(held, load.columns(desk, found), now_us=desk.now_us())]


def _release(desk: Desk, entry: int, reason: str) -> Any:
    from core.datasets.quarantine import release

    return release(desk, entry, reason).snapshot.number


def _compare(desk: Desk, model: str, left: int, right: int) -> Any:
    from core.registry.compare import compare

    return compare(desk, model, left, right).to_json()


def _card(desk: Desk, model: str, number: int) -> Any:
    from core.registry.card import card

    return card(desk, model, number)


VERBS: dict[str, Callable[..., Any]] = {
    "diff": _diff,
    "shapes": _shapes,
    "check": _check,
    "release": _release,
    "compare": _compare,
    "card": _card,
}
# The command that does the same without a console.
TWINS = {
    "diff": "`tocsin dataset diff`",
    "shapes": "`tocsin dataset profile`",
    "check": "`tocsin dataset check`",
    "release": "`tocsin dataset quarantine release`",
    "compare": "`tocsin model compare`",
    "card": "`tocsin model card`",
}


def main(argv: list[str]) -> int:
    """Answer what was asked; the exit code is that of the error."""
    from core.work.child import bound

    spec = json.loads(argv[1])
    bound(int(spec["parent"]), Limits(**spec["limits"]))
    try:
        desk = Desk.open(Home(Path(spec["home"])), actor=spec["actor"])
        said = {"answer": VERBS[spec["verb"]](desk, *spec["args"])}
        code = 0
    except TocsinError as error:
        said, code = {"error": error.message, "hint": error.hint, "kind": type(error).__name__}, error.exit_code
    sys.stdout.write(json.dumps(said) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv))
