"""The Open Inference Protocol v2: tensors named after features in, one tensor of scores out.

Source: https://kserve.github.io/website/latest/modelserving/data_plane/v2_protocol (Open Inference Protocol, REST).
"""

from __future__ import annotations

from typing import Any

from core.features.columns import Feature
from core.measures.values import CATEGORY
from core.serving.model import Answer, Refused, ServedModel
from core.serving.scoring import BATCH_LIMIT, Scoring
from core.serving.wire import text_field

SERVER = {"name": "tocsin", "version": "2", "extensions": []}
NUMBERS = frozenset(
    {"BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FP16", "FP32", "FP64"}
)


def metadata(model: ServedModel, versions: list[int]) -> dict[str, Any]:
    """What the model takes and gives, as the protocol tells it; -1 stands for any number of rows."""
    inputs = [
        {"name": each.name, "datatype": "BYTES" if each.kind == CATEGORY else "FP64", "shape": [-1, 1]}
        for each in _asked(model)
    ]
    return {
        "name": model.name,
        "versions": [str(version) for version in versions],
        "platform": "lightgbm",
        "inputs": inputs,
        "outputs": [{"name": name, "datatype": kind, "shape": [-1, width]} for name, kind, width in _outputs(model)],
    }


def _outputs(model: ServedModel) -> list[tuple[str, str, int]]:
    """Name, datatype and width of each tensor of an answer; a model of several classes tells the likeliest, and all."""
    more = [("class", "BYTES", 1), ("scores", "FP64", len(model.classes))] if model.classes else []
    return [("score", "FP64", 1), *more]


def _asked(model: ServedModel) -> list[Feature]:
    """The inputs that a request gives; the others the endpoint looks up."""
    looked_up = model.lookups.names if model.lookups else frozenset()
    return [each for each in model.features if each.name not in looked_up]


def infer(scoring: Scoring, model: ServedModel, request: dict[str, Any]) -> dict[str, Any]:
    """Score the rows of an inference request. Raises Refused naming the field that does not fit."""
    try:
        request_id = text_field(request, "id")
        rows = _rows(model, request.get("inputs"))
    except Refused as refused:
        raise scoring.refuse(model, refused) from None
    ids = [request_id] if len(rows) == 1 else [f"{request_id}/{i}" if request_id else "" for i in range(len(rows))]
    answers = scoring.many(model, ids, rows)
    return {
        "model_name": model.name,
        "model_version": str(model.version),
        "id": request_id,
        "outputs": [
            {"name": name, "datatype": kind, "shape": [len(answers), width], "data": _flat(answers, name)}
            for name, kind, width in _outputs(model)
        ],
    }


def _flat(answers: list[Answer], name: str) -> list[Any]:
    values = [answer[name] for answer in answers]
    return [score for value in values for score in value.values()] if name == "scores" else values


def _rows(model: ServedModel, tensors: Any) -> list[dict[str, Any]]:
    if not isinstance(tensors, list) or not tensors:
        raise Refused(400, "inputs must be a list of tensors, one a feature", "inputs")
    columns: dict[str, list[Any]] = {}
    kinds = {each.name: each.kind for each in _asked(model)}
    for number, tensor in enumerate(tensors):
        place = f"inputs[{number}]"
        if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
            raise Refused(400, f"{place} must be a tensor with a name", f"{place}.name")
        name = tensor["name"]
        if name not in kinds or name in columns:
            what = "is there twice" if name in columns else f"is no feature of {model.name} v{model.version}"
            raise Refused(400, f"{name!r} {what}", f"{place}.name")
        columns[name] = _values(tensor, kinds[name], place)
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1:
        raise Refused(400, "all tensors must have the same number of rows", "inputs")
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _values(tensor: dict[str, Any], kind: str, place: str) -> list[Any]:
    datatype = tensor.get("datatype")
    if not isinstance(datatype, str) or datatype not in ({"BYTES"} if kind == CATEGORY else NUMBERS):
        wanted = "BYTES" if kind == CATEGORY else "a number's, such as FP64"
        raise Refused(400, f"the datatype of {tensor['name']} must be {wanted}", f"{place}.datatype")
    rows = _row_count(tensor.get("shape"), place)
    data: Any = tensor.get("data")
    flat = [each for item in data for each in (item if isinstance(item, list) else [item])] if _list(data) else []
    if not _list(data) or len(flat) != rows:
        raise Refused(400, f"the data of {tensor['name']} must be a list of {rows} values", f"{place}.data")
    return [int(value) for value in flat] if datatype == "BOOL" and all(map(_is_bool, flat)) else flat


def _row_count(shape: Any, place: str) -> int:
    fits = _list(shape) and len(shape) in (1, 2) and all(type(n) is int and n >= 0 for n in shape)
    if not fits or (len(shape) == 2 and shape[1] != 1) or shape[0] > BATCH_LIMIT:
        raise Refused(400, f"a shape must be [rows] or [rows, 1] of at most {BATCH_LIMIT} rows", f"{place}.shape")
    return int(shape[0])


def _list(value: Any) -> bool:
    return isinstance(value, list)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)
