"""The line above and the line below every screen."""

from __future__ import annotations

from collections.abc import Sequence

from console.view import Line, Span, cells, clock, crop, fit, line, spread, text_of
from core.briefing.header import EndpointState, Header
from core.clock import span

MIN_WIDTH, MIN_HEIGHT = 60, 20


def status_line(header: Header, width: int, *, paused: bool = False) -> Line:
    """`PROD │ RW │ data 4s │ edge OK 12s │ daemon OK 3s │ 1 queued`, and the time.

    Parts that are well are shortened or left out first where there is no room, never one that is not.
    """
    right = line((f"{clock(header.now_us)}Z", "bold"))
    room = width - cells(text_of(right)) - 1
    for shortened in (False, True):
        left = _joined(_parts(header, paused, shortened))
        if cells(text_of(left)) <= room:
            break
    return spread(left, right, width)


def _parts(header: Header, paused: bool, shortened: bool) -> list[list[Span]]:
    mode = [(" RO " if header.read_only else " RW ", "chip")]
    parts = [[(f" {header.environment} ", "alarm" if header.environment == "PROD" else "chip")], mode]
    if paused:
        parts.append([("⏸ paused", "warn")])
    parts.extend(filter(None, [_data(header), _remote(header, shortened), _daemon(header, shortened), _queue(header)]))
    return parts


def _joined(parts: list[list[Span]]) -> Line:
    spans: list[Span] = []
    for index, part in enumerate(parts):
        if index > 1:
            spans.append((" │ ", "dim"))
        elif index == 1:
            spans.append((" ", ""))
        spans.extend(part)
    return tuple(spans)


def _data(header: Header) -> list[Span]:
    age = header.data_age_us
    if age is None:
        return [("no data yet", "dim")]
    return [(f"◐ data stale {span(age)}", "warn")] if header.stale else [(f"data {span(age)}", "")]


def _remote(header: Header, shortened: bool) -> list[Span]:
    worst = header.worst
    if worst is None:
        return [] if shortened else [("no endpoint", "dim")]
    name = "remote" if len(header.endpoints) > 1 or shortened else worst.name
    return {
        "failing": [(f"● {name} UNREACHABLE {_age(worst)}".rstrip(), "bad")],
        "unseen": [(f"◐ {name} not seen yet", "warn")],
        "paused": [(f"◐ {name} paused", "warn")],
        "ok": [(f"{name} OK" if shortened else f"{name} OK {_age(worst)}", "")],
    }[worst.state]


def _age(endpoint: EndpointState) -> str:
    return span(endpoint.age_us) if endpoint.age_us is not None else ""


def _daemon(header: Header, shortened: bool) -> list[Span]:
    if header.daemon == "none":
        return [("◐ no daemon", "warn")]
    age = span(header.daemon_age_us or 0)
    if header.daemon == "dead":
        waits = "" if not header.standby else " + standby" if shortened else ", a standby waits"
        return [(f"● daemon DEAD {age}{waits}", "bad")]
    if header.trouble:
        return [(f"▲ daemon: {crop(header.trouble, 30)}", "warn")]
    return [("daemon OK" if shortened else f"daemon OK {age}{' + standby' if header.standby else ''}", "")]


def _queue(header: Header) -> list[Span]:
    if not header.waiting:
        return []
    age = span(header.waiting_age_us or 0)
    return [(f"▲ {header.waiting} queued {age}", "bad" if header.asks_again else "warn")]


def key_line(hints: Sequence[tuple[str, str]], width: int, tail: Sequence[tuple[str, str]] = ()) -> Line:
    """Key hints, the first ones most important; as many as fit. `tail` is always there."""
    end = _hints(tail)
    shown = list(hints)
    while shown and cells(text_of(_hints(shown))) + 2 + cells(text_of(end)) > width:
        shown.pop()
    return spread(_hints(shown), end, width) if shown else fit(end, width)


def _hints(hints: Sequence[tuple[str, str]]) -> Line:
    spans: list[Span] = []
    for key, word in hints:
        if spans:
            spans.append(("  ", ""))
        spans.extend([(key, "key"), (f" {word}", "")])
    return tuple(spans)


def tab_line(names: Sequence[tuple[str, str]], at: int, width: int) -> Line:
    """The sections' names with what waits in each; the one that is shown is marked by brackets as well as by colour."""
    spans: list[Span] = []
    for place, (name, badge) in enumerate(names):
        here = place == at
        spans.append((f"[{name}]" if here else f" {name} ", "chip" if here else "dim"))
        if badge:
            spans.append((f"{badge} ", "warn"))
    return fit((*spans, ("  tab", "key")), width)


def too_small(width: int, height: int) -> list[Line]:
    """What a terminal shows that has no room for a screen."""
    said = [
        line(("Terminal too small", "bold")),
        line(f"{width}x{height}, needs {MIN_WIDTH}x{MIN_HEIGHT}"),
        line(),
        line("Enlarge it, or use"),
        line(("tocsin now --json", "bold")),
        line(("q", "key"), " quits"),
    ]
    return [fit(one, width) for one in said[:height]]
