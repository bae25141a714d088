"""Walk a runbook full screen: the same engine as the plain walk, one step a screen."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from textual.binding import Binding
from textual.message import Message

from console.pages import runbook as page
from console.screens.danger import Danger, facts
from console.screens.sheet import Hints, Sheet
from console.subject import Subject
from console.view import Line, line, wrap
from core.briefing.runbook import WalkPage, walk
from core.errors import NotFound, TocsinError
from core.runbooks import engine, library, rows
from core.runbooks.view import StepView


class Standing(NamedTuple):
    """Where a walk stands; `step` is None where it is over."""

    walk: rows.Walk
    step: StepView | None
    page: WalkPage
    resumed: bool


class ActionModal(Danger):
    """Asks before a step that changes something."""

    def __init__(self, environment: str, step: StepView) -> None:
        super().__init__("run it")
        self.environment = environment
        self.step = step

    def question(self, dry: bool) -> list[Line]:
        step = self.step
        named = [("environment", self.environment), ("step", step.title), ("command", step.command)]
        named += [(name, value) for name, value in (("risk", step.risk), ("undo", step.undo)) if value]
        asked = [line(f"  {piece}") for piece in wrap(step.confirm, 64)] if step.confirm else []
        shown = [line(("  Dry run: y would run exactly the command above, once", "bold")), ()] if dry else []
        title = line(("RUN THIS STEP", "bold"), "  ", (f" {self.environment} ", "alarm"))
        return [title, (), *facts(*named), (), *asked, *([()] if asked else []), *shown]


class RunbookScreen(Sheet):
    """The step that the incident's walk stands at. Opening it begins the walk, or goes on with one under way."""

    NAME = "runbook"
    TAIL: ClassVar[Hints] = (("E", "escalate"), ("?", "help"), ("q", "leave"))
    BINDINGS = [
        Binding("r", "answer('run')", "run the step", show=False, id="walk.run"),
        Binding("p", "answer('pass')", "done, as expected", show=False, id="walk.pass"),
        Binding("f", "answer('fail')", "not as expected", show=False, id="walk.fail"),
        Binding("s", "answer('skip')", "skip the step", show=False, id="walk.skip"),
        Binding("v", "answer('probe')", "probe an unknown step", show=False, id="walk.probe"),
        Binding("E", "escalate", "escalate", show=False, id="walk.escalate"),
        *(Binding(str(n), f"choose({n})", f"choice {n}", show=False, id=f"walk.choice{n}") for n in range(1, 10)),
    ]

    class Answered(Message):
        """A step has run in its thread: its error, or None."""

        def __init__(self, error: TocsinError | None) -> None:
            super().__init__()
            self.error = error

    def __init__(self, desk: Any, target: str = "") -> None:
        super().__init__(desk, target)
        self.standing: rows.Walk | None = None
        self.resumed = False
        self.busy = False

    def read(self) -> Standing:
        if self.standing is None:
            self.standing = self._begin()
        standing = rows.walk(self.desk.store, self.standing.id)
        step = engine.current(self.desk, standing)
        return Standing(standing, step, walk(self.desk, standing.incident, standing.id), self.resumed)

    def _begin(self) -> rows.Walk:
        """The walk under way, else a new one. Raises NotFound where no runbook is linked, NotAllowed without trust."""
        number = int(self.target) if self.target.isdigit() else None
        name = self.target
        if number is not None:
            under_way = rows.open_walk(self.desk.store, number)
            if under_way is not None:
                self.resumed = True
                return under_way
            found = walk(self.desk, number, None).incident
            name = found.runbook if found else ""
        waiting = rows.open_walk(self.desk.store, None, name) if number is None and name else None
        if waiting is not None:
            self.resumed = True
            return waiting
        if not name:
            raise NotFound("no runbook is linked to this", "`tocsin runbook list` shows them")
        return engine.start(self.desk, library.runbook(self.desk.home, name), number, {})

    def page(self, found: Standing, width: int, height: int) -> list[Line]:
        if found.step is None:
            return page.over(found.page, found.walk.runbook, found.walk.state)
        return page.body(found.page, found.step, width, height, resumed=found.resumed, busy=self.busy)

    def hints(self) -> Hints:
        step = self.step
        if step is None:
            return ()
        keys = [page.KEYS[answer] for answer in step.answers if answer in page.KEYS]
        return (("1-9", "decide"), *keys) if step.choices else keys

    @property
    def step(self) -> StepView | None:
        """The step on the screen."""
        return self.found.step if isinstance(self.found, Standing) else None

    def subject(self) -> Subject | None:
        found = self.found.page.incident if isinstance(self.found, Standing) else None
        if found is None:
            return None
        return Subject("incident", str(found.id), found.model, found.endpoint, found.runbook, found.title)

    def action_choose(self, number: int) -> None:
        """Decide."""
        step = self.step
        if step is not None and number <= len(step.choices):
            self._act(step.choices[number - 1][0])

    def action_answer(self, answer: str) -> None:
        """Answer the step on the screen; what changes something asks first."""
        step = self.step
        if step is None or self.busy:
            return
        if answer == "run" and "rerun" in step.answers:
            answer = "rerun"
        if answer not in step.answers:
            valid = ", ".join(page.KEYS[one][0] for one in step.answers if one in page.KEYS)
            self.app.notify(f"this step is not answered so\npress {valid or '1-9'}", severity="warning", markup=False)
            return
        if step.mutates and answer in ("run", "rerun"):
            asked = ActionModal(self.desk.settings.environment, step)
            self.app.push_screen(asked, lambda said: self._confirmed(step, answer, said))
        else:
            self._act(answer)

    def _confirmed(self, step: StepView, answer: str, said: bool | None) -> None:
        # Bound to the step that was asked about: another process may have gone on meanwhile.
        now = self.step
        if said and now is not None and now.id == step.id:
            self._act(answer)

    def _act(self, answer: str) -> None:
        standing = self.standing
        if standing is None or self.busy:
            return
        self.busy = True
        self.draw()
        self.run_worker(lambda: self._in_background(standing, answer), thread=True, group="step")

    def _in_background(self, standing: rows.Walk, answer: str) -> None:
        try:
            engine.act(self.desk, standing, answer)
        except TocsinError as error:
            self.post_message(self.Answered(error))
        else:
            self.post_message(self.Answered(None))

    def on_runbook_screen_answered(self, message: Answered) -> None:
        """Show where the walk stands now."""
        self.busy = False
        self.resumed = False
        if message.error is not None:
            self.app.notify(f"{message.error.message}\n{message.error.hint}", severity="error", markup=False)
        self.reload()

    def action_escalate(self) -> None:
        """Somebody else has to take over: said on the timeline."""
        if self.standing is not None:
            engine.escalate(self.desk, self.standing)
            self.reload()
