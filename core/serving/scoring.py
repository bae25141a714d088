"""Score and count: one row or a small batch, all of it or nothing."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

from core.serving.model import Answer, Refused, ServedModel
from core.serving.online import OnlineStates
from core.serving.tally import REJECTED, Telemetry

BATCH_LIMIT = 256


class Scoring:
    """Every answered, refused or failed request of a known model is counted here."""

    def __init__(self, telemetry: Telemetry, online: OnlineStates) -> None:
        self.telemetry = telemetry
        self._online = online
        self._numbered = 0

    def one(self, model: ServedModel, request_id: str, inputs: Any, at_us: int | None = None) -> tuple[str, Answer]:
        """The id (made where none was given) and answer of one row, with its aggregates as of `at_us` (now).

        Raises Refused naming the field.
        """
        began = perf_counter()
        self._require_object(model, inputs, "inputs")
        inputs, places = self._placed(model, inputs, "", at_us)
        request_id = request_id or self._number()
        return request_id, self._score(model, request_id, inputs, places, began)

    def many(
        self, model: ServedModel, ids: Sequence[str], rows: Sequence[Any], at_us: int | None = None
    ) -> list[Answer]:
        """The answers of a batch; nothing is scored where one row is refused, and the field names that row."""
        if len(rows) > BATCH_LIMIT:
            raise self.refuse(model, Refused(413, f"at most {BATCH_LIMIT} rows at once", "rows"))
        began = perf_counter()
        placed = []
        for number, row in enumerate(rows):
            self._require_object(model, row, f"rows[{number}]")
            placed.append(self._placed(model, row, f"rows[{number}].", at_us))
        answers = []
        for request_id, (row, places) in zip(ids, placed, strict=True):
            answers.append(self._score(model, request_id or self._number(), row, places, began))
            began = perf_counter()
        return answers

    def refuse(self, model: ServedModel, refused: Refused) -> Refused:
        """Count a refusal as the client's fault; returns it to be raised."""
        self.telemetry.now()
        self.telemetry.tally(model.name, model.version, model.names, model.sizes).requests[REJECTED] += 1
        return refused

    def _require_object(self, model: ServedModel, row: Any, field: str) -> None:
        if row.__class__ is not dict:
            raise self.refuse(model, Refused(400, f"{field} must be an object of features", field))

    def _placed(
        self, model: ServedModel, inputs: Mapping[str, Any], prefix: str, at_us: int | None
    ) -> tuple[Mapping[str, Any], list[int]]:
        """A row with its aggregates looked up, and its place in each feature's bins."""
        try:
            if model.lookups is None:
                return inputs, model.places(inputs)
            at_us = self.telemetry.now() if at_us is None else at_us
            row, by = self._online.complete(model.lookups, inputs, at_us)
            return {**row, model.lookups.text: by}, model.places(row)
        except Refused as refused:
            refused.field = prefix + refused.field
            raise self.refuse(model, refused) from None

    def _score(
        self, model: ServedModel, request_id: str, inputs: Mapping[str, Any], places: list[int], began: float
    ) -> Answer:
        now_us = self.telemetry.now()
        tally = self.telemetry.tally(model.name, model.version, model.names, model.sizes)
        try:
            answer, missing = model.answer(inputs)
        except Exception as error:
            self.telemetry.failed(tally, (perf_counter() - began) * 1e6)
            sys.stderr.write(f"scoring {model.name} v{model.version} failed: {error!r}\n")
            raise Refused(500, "scoring failed") from error
        for vec, place in zip(tally.features, places, strict=True):
            vec[place] += 1
        score = answer["score"]
        prediction = (request_id, now_us, model.name, model.version, score)
        self.telemetry.scored(tally, prediction, model.bin(score), inputs, missing, (perf_counter() - began) * 1e6)
        return answer

    def _number(self) -> str:
        self._numbered += 1
        return f"{self.telemetry.boot}-{self._numbered}"
