"""Items about the service: where a model is served, the way back, who watches, and what there is when it breaks."""

from __future__ import annotations

from core.clock import DAY, MINUTE, iso, span
from core.endpoints import deploy
from core.gates.outcome import Subject
from core.governance.proof import Proof, open_
from core.registry.served import Place, served
from core.runbooks.library import applying
from core.slo.verbs import slos

BEAT = "SELECT at_us FROM heartbeat WHERE name = 'daemon'"
ALIVE_US = 5 * MINUTE
FRESH_US = 7 * DAY


def _places(of: Subject) -> list[Place]:
    return [each for each in served(of.desk.store, of.version.model) if each.version == of.version.version]


def is_served(of: Subject) -> Proof:
    """An endpoint serves it."""
    found = _places(of)
    if not found:
        return open_("no endpoint serves it", f"`tocsin deploy start {of.version.model} {of.version.version}`")
    return Proof(True, ", ".join(f"{each.endpoint} since {iso(each.since_us)}" for each in found))


def rollback(of: Subject) -> Proof:
    """Every endpoint that serves it has a version to go back to."""
    model = of.version.model
    back = {each.endpoint: deploy.target(of.desk.store, each.endpoint, model) for each in _places(of)}
    without = [name for name, target in back.items() if target is None]
    if without or not back:
        return open_(
            f"nothing to go back to on {', '.join(without) or 'any endpoint'}", "serve a version before it first"
        )
    return Proof(True, ", ".join(f"{name} back to v{target.version}" for name, target in back.items() if target))


def objectives(of: Subject) -> Proof:
    """Its availability and its quality have objectives."""
    found = [one for one in slos(of.desk.store) if one.model == of.version.model]
    left = [each for each in ("availability", "quality") if all(one.measure != each for one in found)]
    if left:
        return open_(f"no objective for {' and '.join(left)}", f"`tocsin slo add` for {of.version.model}")
    return Proof(True, ", ".join(f"{one.name} ({one.measure})" for one in found))


def runbook(of: Subject) -> Proof:
    """There is a runbook for the alerts of each of its objectives."""
    model, number = of.version.model, of.version.version
    measures = sorted({one.measure for one in slos(of.desk.store) if one.model == model}) or ["availability"]
    books = {each: applying(of.desk.home, each, model, number) for each in measures}
    left = [each for each, book in books.items() if book is None]
    if left:
        return open_(f"no runbook applies to {', '.join(left)}", "write one: `tocsin runbook list` shows what there is")
    return Proof(True, ", ".join(f"{book.id} for {each}" for each, book in books.items() if book))


def daemon(of: Subject) -> Proof:
    """The daemon that watches it beats."""
    row = of.desk.store.one(BEAT)
    age = of.desk.now_us() - int(row["at_us"]) if row else None
    if age is None or age > ALIVE_US:
        said = "never" if age is None else f"{span(age)} ago"
        return open_(f"the daemon was last seen {said}", "start it: `tocsin daemon`")
    return Proof(True, f"beat {span(max(0, age))} ago")


def dead_man(of: Subject) -> Proof:
    """Somebody outside is told when the daemon falls silent."""
    if not of.desk.settings.dead_man_url:
        return open_("nobody outside would notice a silent daemon", "set dead_man_url: `tocsin help settings`")
    return Proof(True, "dead_man_url is told every minute")


def backup(of: Subject) -> Proof:
    """A backup in the home's own folder is at most a week old."""
    times = [path.stat().st_mtime_ns // 1000 for path in of.desk.home.backups_path.glob("*.tar*")]
    age = of.desk.now_us() - max(times) if times else None
    if age is None or age > FRESH_US:
        said = "there is none" if age is None else f"the newest is {span(age)} old"
        return open_(said, "`tocsin backup` makes one")
    return Proof(True, f"the newest is {span(max(0, age))} old")
