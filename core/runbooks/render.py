"""A step as it will be run: inputs put into its words, each as one word, whatever is in it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from core.desk import Desk
from core.errors import BadInput
from core.incidents.rows import incident, objective_of
from core.runbooks.book import Runbook, Step

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def fill(words: Sequence[str], inputs: Mapping[str, str]) -> tuple[str, ...]:
    """The words with `{name}` replaced; a value never becomes two words or an option of its own."""
    return tuple(_PLACEHOLDER.sub(lambda match: inputs[match[1]], word) for word in words)


def fill_text(text: str, inputs: Mapping[str, str]) -> str:
    """A sentence with its inputs."""
    return fill((text,), inputs)[0]


def command_of(step: Step, inputs: Mapping[str, str]) -> str:
    """The exact command of a step, to be read and copied; empty for a step that runs nothing."""
    if step.argv:
        return shlex.join(fill(step.argv, inputs))
    if step.command:
        return shlex.join(("tocsin", *fill(step.command, inputs)))
    if step.verify:
        return shlex.join(("tocsin", *verify_command(step, inputs)))
    return ""


def verify_command(step: Step, inputs: Mapping[str, str]) -> tuple[str, ...]:
    """The words that prove by counts what a step's `verify` asks for."""
    assert step.verify is not None
    number = inputs.get("incident", "")
    if not number:
        raise BadInput(
            f"step {step.id!r} verifies an incident, and this walk has none", "walk it with --incident NUMBER"
        )
    slo = fill_text(step.verify.slo, inputs)
    named = ("--slo", slo) if slo else ()
    return ("inc", "recovery", number, *named, "--for", f"{step.verify.for_us // 1_000_000}s")


def inputs_for(desk: Desk, book: Runbook, number: int | None, given: Mapping[str, str]) -> dict[str, str]:
    """The value of every input: given, else of the incident, else the default.

    Raises BadInput for an input that is missing, unknown, or does not match its pattern; NotFound for the incident.
    """
    known = {**_of_incident(desk, number), **given}
    strange = sorted(given.keys() - {one.name for one in book.inputs})
    if strange:
        names = ", ".join(one.name for one in book.inputs) or "none"
        raise BadInput(f"runbook {book.id} has no input {strange[0]!r}", f"its inputs are {names}")
    found = {}
    for one in book.inputs:
        value = known.get(one.name, one.default)
        if value is None:
            raise BadInput(f"input {one.name} is missing", f"add --input {one.name}=VALUE, or --incident NUMBER")
        if not re.fullmatch(one.pattern, value):
            raise BadInput(f"input {one.name}: {value!r} does not match {one.pattern}", "give one that does")
        found[one.name] = value
    return found


def _of_incident(desk: Desk, number: int | None) -> dict[str, str]:
    if number is None:
        return {}
    found = incident(desk.store, number)
    slo = objective_of(desk.store, number)
    named = {"slo": slo.name} if slo else {}
    return {"incident": str(number), "model": found.model, "endpoint": found.endpoint, **named}
