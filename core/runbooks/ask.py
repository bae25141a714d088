"""The verbs that look: they change nothing, so that a check can be run as often as one likes."""

from __future__ import annotations

from core.clock import HOUR, MINUTE, span
from core.desk import Desk
from core.errors import NotFound
from core.incidents import recovery
from core.incidents.evidence import shown
from core.incidents.helps import helps
from core.incidents.rows import alerts_of, incident, suspects
from core.runbooks.outcome import Outcome
from core.runbooks.words import Words

LATEST = """SELECT kind, version, state, error FROM deployment
WHERE endpoint = ? AND model = ? AND state != 'superseded' ORDER BY id DESC LIMIT 1"""
SERVED_ON = "SELECT endpoint FROM deployment WHERE model = ? AND state = 'applied' ORDER BY id DESC LIMIT 1"
ENDPOINT = "SELECT * FROM endpoint WHERE name = ?"


def inc_show(desk: Desk, words: Words) -> Outcome:
    """What fires and since when; passes while something fires or the incident is open."""
    found = incident(desk.store, words.number(0))
    now = desk.now_us()
    lines = [
        f"{found.title} (SEV{found.severity}, {found.state})",
        f"impact for {span(now - found.impact_us)}: {found.impact_origin}",
    ]
    firing = 0
    for alert in alerts_of(desk.store, found.id):
        firing += alert["state"] == "firing"
        lines.append(f"{alert['severity']} {alert['state']} for {span(now - alert['started_us'])}: {alert['summary']}")
    minutes = (now - found.impact_us) // MINUTE
    return Outcome(
        found.open,
        tuple(lines),
        {"firing": firing, "state": found.state, "family": found.family, "impact_minutes": minutes},
    )


def inc_suspects(desk: Desk, words: Words) -> Outcome:
    """The suspects with their evidence, and the class; passes where there is a suspect."""
    found = incident(desk.store, words.number(0))
    listed = suspects(desk.store, found.id)
    lines = [f"class: {found.klass or 'not known'}: {found.class_evidence or 'no evidence yet'}"]
    for one in listed:
        lines.append(f"{one.rank}. {one.title} (unproven)")
        lines += [f"   {line}" for line in one.evidence]
    first = listed[0].kind if listed else "none"
    return Outcome(bool(listed), tuple(lines), {"suspect": first, "class": found.klass or "unknown"})


def inc_helps(desk: Desk, words: Words) -> Outcome:
    """Whether a rollback is offered; passes where it is."""
    told = helps(desk, incident(desk.store, words.number(0)))
    facts: dict[str, int | float | str | bool] = {"offered": told.offered, "healthy_hours": told.healthy_us // HOUR}
    if told.target is not None:
        facts["target"] = told.target
    return Outcome(told.offered, (told.line, *told.evidence), facts)


def inc_recovery(desk: Desk, words: Words) -> Outcome:
    """Whether the objective holds again, from counts; passes where it does."""
    found = incident(desk.store, words.number(0))
    told = recovery.check(desk, found, slo=words.option("slo") or None, hold_us=words.span("for"))
    return Outcome(told.recovered, told.lines, {**told.facts, "recovered": told.recovered})


def deploy_history(desk: Desk, words: Words) -> Outcome:
    """What is active and what came last; passes where the last change was applied on the endpoint."""
    from core.endpoints import deploy

    model, endpoint = words.text(0), _endpoint(desk, words)
    active = deploy.active(desk.store, endpoint, model)
    latest = desk.store.one(LATEST, (endpoint, model))
    if active is None or latest is None:
        return Outcome(False, (f"{model} was never applied on {endpoint}",), {"state": "none"})
    lines = [f"{endpoint} serves {model} v{active.version} for {span(desk.now_us() - active.since_us)}"]
    error = f": {latest['error']}" if latest["error"] else ""
    lines.append(f"last change: {latest['kind']} to v{latest['version']} is {latest['state']}{error}")
    facts: dict[str, int | float | str | bool] = {
        "active": active.version,
        "wanted": latest["version"],
        "kind": latest["kind"],
        "state": latest["state"],
    }
    return Outcome(latest["state"] == "applied" and active.version == latest["version"], tuple(lines), facts)


def endpoint_show(desk: Desk, words: Words) -> Outcome:
    """What is known of an endpoint locally; passes where it answered last time and is not paused."""
    row = desk.store.one(ENDPOINT, (words.text(0),))
    if row is None:
        raise NotFound(f"there is no endpoint {words.text(0)!r}", "`tocsin endpoint list` shows them")
    seen = f"seen {span(desk.now_us() - row['seen_us'])} ago" if row["seen_us"] else "never seen"
    lines = [f"{row['name']} is {row['state']}, {seen}"]
    if row["error"]:
        lines.append(f"last error: {row['error']}")
    return Outcome(
        row["state"] == "active" and row["seen_us"] is not None and not row["error"],
        tuple(lines),
        {"state": row["state"], "reachable": row["error"] is None},
    )


def endpoint_health(desk: Desk, words: Words) -> Outcome:
    """Ask an endpoint now; passes where it answers. Raises RemoteUnreachable or RemoteRefused where it does not."""
    from core.endpoints.verbs import health

    health(desk, words.text(0))
    return Outcome(True, (f"{words.text(0)} answers",), {"reachable": True})


def quality_show(desk: Desk, words: Words) -> Outcome:
    """The measured quality of the active version since it was switched on; passes where there is a figure."""
    from core.endpoints import deploy
    from core.monitor import quality

    model, endpoint = words.text(0), _endpoint(desk, words)
    active = deploy.active(desk.store, endpoint, model)
    if active is None:
        return Outcome(False, (f"{model} was never applied on {endpoint}",))
    told = quality.measure(desk.store, model, active.version, endpoint, active.since_us, desk.now_us())
    facts: dict[str, int | float | str | bool] = {"n": told.n, "version": active.version}
    if told.auc is not None:
        facts["auc"] = round(told.auc, 4)
    return Outcome(told.auc is not None, (f"v{active.version}: AUC {shown(told)}",), facts)


def _endpoint(desk: Desk, words: Words) -> str:
    given = words.option("on") or words.option("endpoint")
    if given:
        return given
    row = desk.store.one(SERVED_ON, (words.text(0),))
    if row is None:
        raise NotFound(f"{words.text(0)} is served nowhere", "name the endpoint")
    return str(row["endpoint"])
