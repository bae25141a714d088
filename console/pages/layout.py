"""Fit sections into a height: what matters most is kept, what is left grows, blank lines come last."""

from __future__ import annotations

from typing import NamedTuple

from console.view import Line, fit, line


class Section(NamedTuple):
    """Lines that belong together. At least `need` of them are shown; `rank` 0 is given up last; `tail` keeps the end.

    One with a need of 0 is shown whole where room is left over, or not at all.
    """

    lines: list[Line]
    need: int
    rank: int
    tail: bool = False


def compose(sections: list[Section], width: int, height: int) -> list[Line]:
    """At most `height` lines of at most `width` cells, in the order of the sections.

    Where not even the needs fit, sections are left out from the highest rank down. Blank lines between sections are
    set before any section grows, so that a small screen stays readable and a large one is used.
    """
    chosen = [section for section in sections if section.lines and section.need]
    while len(chosen) > 1 and sum(_least(section) for section in chosen) > height:
        chosen.remove(max(chosen, key=lambda section: section.rank))
    shown = {id(section): _least(section) for section in chosen}
    spare = height - sum(shown.values())
    gaps = len(chosen) - 1 if spare >= len(chosen) - 1 else 0
    spare -= gaps
    for section in sorted(chosen, key=lambda one: one.rank):
        more = min(spare, len(section.lines) - shown[id(section)])
        shown[id(section)] += max(0, more)
        spare -= max(0, more)
    for section in sections:
        if section.lines and not section.need and spare > len(section.lines):
            shown[id(section)] = len(section.lines)
            spare -= len(section.lines) + 1
    lines: list[Line] = []
    for section in (one for one in sections if id(one) in shown):
        if lines and gaps:
            lines.append(())
        lines.extend(_part(section, shown[id(section)]))
    return [fit(one, width) for one in lines[:height]]


def _least(section: Section) -> int:
    return min(section.need, len(section.lines))


def _part(section: Section, count: int) -> list[Line]:
    if count >= len(section.lines):
        return section.lines
    if section.tail:
        # The heading stays, the oldest entries go.
        return [section.lines[0], *section.lines[len(section.lines) - count + 1 :]]
    return section.lines[:count]


def heading(title: str, note: str = "") -> Line:
    """A section's first line."""
    return line((title, "head"), (f"  {note}" if note else "", "dim"))
