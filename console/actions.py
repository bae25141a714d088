"""Keys become verbs: each acts on the subject bound when its key was pressed, and says what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.subject import Subject
from core.errors import BadInput, NotFound, TocsinError

if TYPE_CHECKING:
    from console.app import TocsinApp


class Actions:
    """What can be done from any screen, by name."""

    def __init__(self, app: TocsinApp) -> None:
        self.app = app
        self.desk = app.desk

    def do(self, name: str) -> None:
        """Do it to the subject of the screen at this moment. Raises TocsinError with the next step."""
        sheet = self.app.sheet
        subject = sheet.subject() if sheet else None
        if name == "ack_marked":
            self._ack_marked()
        elif subject is None:
            raise NotFound("there is nothing here to do that to", "`:` finds an incident, a model or a job")
        else:
            getattr(self, f"_{name}")(subject)

    def _incident(self, subject: Subject) -> int:
        if subject.what != "incident":
            raise BadInput(f"this is a {subject.what}, not an incident", "press 2 for the incidents")
        return subject.number

    def _ack(self, subject: Subject) -> None:
        from core.incidents import states

        found = states.ack(self.desk, self._incident(subject))
        self._done(f"INC-{found.id} acknowledged by {found.acked_by}; z takes it back")

    def _ack_marked(self) -> None:
        from core.incidents import states

        table = getattr(self.app.sheet, "table", None)
        marked = sorted(table.marked) if table is not None else []
        if table is None or not marked:
            raise BadInput("nothing is marked", "press 2, mark with space or M, then A")
        for number in marked:
            states.ack(self.desk, int(number))
        table.marked.clear()
        self._done(f"{len(marked)} incidents acknowledged")

    def _unack(self, subject: Subject) -> None:
        from core.incidents import states

        found = states.unack(self.desk, self._incident(subject))
        self._done(f"INC-{found.id} is nobody's again")

    def _note(self, subject: Subject) -> None:
        from console.screens.note import NoteBox

        number = self._incident(subject)
        self.app.push_screen(NoteBox(f"Note on INC-{number}"), lambda text: self._noted(number, text))

    def _noted(self, number: int, text: str | None) -> None:
        from core.incidents import states

        if text:
            self.app.attempt(lambda: states.note(self.desk, number, text))
            self._done(f"noted on INC-{number}")

    def _rollback(self, subject: Subject) -> None:
        from console.screens.rollback import RollbackModal, offer

        found = offer(self.desk, subject)
        self.app.push_screen(RollbackModal(found), lambda said: self._rolled_back(found.confirmed(said)))

    def _rolled_back(self, verb: object) -> None:
        if callable(verb):
            deployment = self.app.attempt(lambda: verb(self.desk))
            if deployment is not None:
                self._done(f"rollback to v{deployment.version} is queued; the endpoint hears of it at the next sync")

    def _runbook(self, subject: Subject) -> None:
        self.app.open("runbook", subject.id if subject.what == "incident" else subject.runbook)

    def _evidence(self, subject: Subject) -> None:
        self.app.open(subject.what, f"{subject.model} {subject.id}" if subject.what == "version" else subject.id)

    def _logs(self, subject: Subject) -> None:
        if subject.what == "job":
            self.app.open("job", subject.id)
        else:
            self.app.open("ledger", subject.model)

    def _rerun(self, subject: Subject) -> None:
        if subject.what == "message":
            self._message(subject, "retry")
            return
        if subject.what != "job":
            raise BadInput(f"this is a {subject.what}, not a job", "press 4 for the jobs")
        from core.briefing.jobs import again

        self._done(f"queued as job {again(self.desk, subject.number)}")

    def _confirm(self, subject: Subject) -> None:
        self._message(subject, "confirm")

    def _drop(self, subject: Subject) -> None:
        if subject.what == "quarantine":
            self._refused(subject, "drop")
        else:
            self._message(subject, "drop")

    def _message(self, subject: Subject, verb: str) -> None:
        if subject.what != "message":
            raise BadInput(f"this is a {subject.what}, not a message to an endpoint", "press 7 for the outbox")
        from console.screens.message import MessageModal
        from core.endpoints.waiting import intend

        intent = intend(self.desk, verb, subject.number)
        modal = MessageModal(self.desk.settings.environment, intent)
        self.app.push_screen(modal, lambda said: self._decided(modal.confirmed(said)))

    def _decided(self, verb: object) -> None:
        if callable(verb):
            message = self.app.attempt(lambda: verb(self.desk))
            if message is not None:
                ended = "is dropped" if message.state == "done" else "is sent at the next sync"
                self._done(f"message {message.id} {ended}")

    def _cancel(self, subject: Subject) -> None:
        if subject.what != "job":
            raise BadInput(f"this is a {subject.what}, not a job", "press 4 for the jobs")
        from console.screens.decide import cancelling

        modal = cancelling(self.desk, subject)
        self.app.push_screen(modal, lambda said: self._cancelled(subject) if said else None)

    def _cancelled(self, subject: Subject) -> None:
        from core.work.stop import stop

        asked = self.app.attempt(lambda: stop(self.desk, subject.number, "from the console"))
        if asked is not None:
            self._done(f"job {subject.id} is asked to stop" if asked else f"job {subject.id} had ended already")

    def _approve(self, subject: Subject) -> None:
        if subject.what != "version":
            raise BadInput(f"this is a {subject.what}, not a version", "open a model and press tab for its versions")
        from console.screens.decide import approving

        modal = approving(self.desk, subject)
        self.app.push_screen(modal, lambda said: self._approved(subject) if said else None)

    def _approved(self, subject: Subject) -> None:
        from core.registry.approval import approve

        verb = lambda: approve(self.desk, subject.model, subject.number, reason="from the console")  # noqa: E731
        found = self.app.attempt(verb)
        if found is not None:
            self._done(f"{subject.model} v{subject.id} is approved by {found.actor}")

    def _release(self, subject: Subject) -> None:
        self._refused(subject, "release")

    def _refused(self, subject: Subject, verb: str) -> None:
        if subject.what != "quarantine":
            raise BadInput(f"this is a {subject.what}, not a refused file", "a data set's last section has them")
        from console.screens.note import NoteBox

        box = NoteBox(f"Why {verb} entry {subject.id}?", "the reason, for the ledger")
        self.app.push_screen(box, lambda reason: self._reasoned(subject, verb, reason or ""))

    def _reasoned(self, subject: Subject, verb: str, reason: str) -> None:
        from console.screens.decide import deciding

        if not reason:
            self._done(f"entry {subject.id} waits on: a reason is needed")
            return
        modal = self.app.attempt(lambda: deciding(self.desk, subject, verb, reason))
        if modal is not None:
            self.app.push_screen(modal, lambda said: self._ended(subject, verb, reason) if said else None)

    def _ended(self, subject: Subject, verb: str, reason: str) -> None:
        if verb == "release":
            # The bytes are read again, which would hold up the keys.
            self.app.run_worker(self._released(subject, reason), group="release", exit_on_error=False)
            return
        from core.datasets.quarantine import drop

        if self.app.attempt(lambda: drop(self.desk, subject.number, reason)) is not None:
            self._done(f"entry {subject.id} is dropped; its bytes are kept")

    async def _released(self, subject: Subject, reason: str) -> None:
        from core.briefing.aside import aside

        self._done(f"releasing entry {subject.id}")
        try:
            number = await aside(self.desk, "release", subject.number, reason)
        except TocsinError as error:
            self.app.tell(error)
        else:
            self._done(f"entry {subject.id} is released as snapshot {number}")

    def _copy(self, subject: Subject) -> None:
        from console.copying import copy

        name = f"INC-{subject.id}" if subject.what == "incident" else subject.id
        self._done(copy(self.app, self.desk, name))

    def _copy_status(self, subject: Subject) -> None:
        from console.copying import copy
        from console.pages.incident import status_update
        from core.briefing.incident import incident

        self._done(copy(self.app, self.desk, status_update(incident(self.desk, self._incident(subject)))))

    def _done(self, text: str) -> None:
        self.app.notify(text, timeout=4, markup=False)
        if self.app.sheet is not None:
            self.app.sheet.reload()
