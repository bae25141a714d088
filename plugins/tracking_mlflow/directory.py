"""MLflow's model directory: written so that MLflow loads it, and read back without MLflow and without pickles."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import BadInput, NotFound
from core.features.columns import FUNCTION
from core.measures.values import NUMBER
from core.tracking.adapter import Packed, Unpacked
from core.training.artefact import Artefact
from plugins.tracking_mlflow.code import scoring_code

BOOSTER, OURS, KEPT = "model.lgb", "tocsin/model.json", "tocsin/version.json"
PLAIN_BOOSTER = "lightgbm.basic.Booster"
KEEPS = ("code", "environment", "parameters", "metrics")
LARGEST = 1 << 30


def pack(packed: Packed) -> dict[str, bytes]:
    """The files of a version: MLflow's own, our model file, and the code that computes its view.

    Raises BadInput for a view with an installed function, which is in no file of ours.
    """
    artefact = packed.artefact
    for column in artefact.view:
        if column.op == FUNCTION:
            raise BadInput(
                f"the view's column {column.name!r} is made by the installed function {column.text!r}",
                "MLflow would not have it: write the column as an expression and train again",
            )
    package, code = scoring_code()
    kept = {name: getattr(packed.version, name) for name in KEEPS}
    content = {
        BOOSTER: artefact.booster.encode(),
        OURS: artefact.to_bytes(),
        KEPT: _json(kept),
        "input_example.json": _json({"columns": [*packed.example], "data": [[*packed.example.values()]]}),
        **{f"code/{name}": body for name, body in code.items()},
        **_environment(packed.version.environment),
    }
    hashes = {"sha256": artefact.sha256, "version_sha256": hashlib.sha256(content[KEPT]).hexdigest()}
    content["MLmodel"] = _yaml(_mlmodel(packed, package, hashes))
    return content


def _mlmodel(packed: Packed, package: str, hashes: Mapping[str, str]) -> dict[str, Any]:
    artefact, python = packed.artefact, packed.version.environment.get("python", "")
    inputs = [
        {"type": "double" if feature.kind == NUMBER else "string", "name": feature.name, "required": False}
        for feature in artefact.features
    ]
    outputs = [{"type": "double", "name": name, "required": True} for name in artefact.classes]
    outputs = outputs or [{"type": "double", "required": True}]
    return {
        "flavors": {
            "lightgbm": {
                "code": None,
                "data": BOOSTER,
                "lgb_version": packed.version.environment.get("lightgbm", ""),
                "model_class": PLAIN_BOOSTER,
            },
            "python_function": {
                "code": "code",
                "data": "tocsin",
                "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
                "loader_module": f"{package}.loader",
                "python_version": python,
            },
        },
        "metadata": {"tocsin": {"model": artefact.model, "version": artefact.version, **hashes}},
        "model_uuid": artefact.sha256[:32],
        "saved_input_example_info": {
            "artifact_path": "input_example.json",
            "pandas_orient": "split",
            "type": "dataframe",
        },
        "signature": {"inputs": json.dumps(inputs), "outputs": json.dumps(outputs)},
    }


def _environment(known: Mapping[str, str]) -> dict[str, bytes]:
    """What the model was trained with; pandas and the zones of times are for reading inputs."""
    pins = [f"{name}=={known[name]}" for name in ("lightgbm", "numpy", "pyarrow") if name in known]
    needs = ["mlflow", "pandas", "tzdata", *pins]
    python = f"python={known['python']}" if "python" in known else "python"
    conda = {"name": "mlflow-env", "channels": ["conda-forge"], "dependencies": [python, "pip", {"pip": needs}]}
    pinned = {"python": known["python"]} if "python" in known else {}
    return {
        "requirements.txt": "".join(f"{each}\n" for each in needs).encode(),
        "conda.yaml": _yaml(conda),
        "python_env.yaml": _yaml({**pinned, "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]}),
    }


def unpack(folder: Path) -> Unpacked:
    """A directory of ours whole, its hashes checked; of any other the LightGBM text.

    Raises NotFound where there is no MLmodel, BadInput for a damaged directory and for every other flavor.
    """
    told = _told(folder)
    ours = (told.get("metadata") or {}).get("tocsin") if isinstance(told.get("metadata"), dict) else None
    if isinstance(ours, dict):
        return _ours(folder, ours)
    return _foreign(folder, told)


def _told(folder: Path) -> dict[str, Any]:
    import yaml

    try:
        told = yaml.safe_load(_content(folder, "MLmodel"))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadInput(f"{folder / 'MLmodel'} is no YAML", "is it a directory that MLflow wrote?") from error
    if not isinstance(told, dict) or not isinstance(told.get("flavors"), dict):
        raise BadInput(f"{folder / 'MLmodel'} names no flavors", "is it a directory that MLflow wrote?")
    return told


def _ours(folder: Path, said: Mapping[str, Any]) -> Unpacked:
    body, kept = _content(folder, OURS), _content(folder, KEPT)
    for name, content, key in ((OURS, body, "sha256"), (KEPT, kept, "version_sha256")):
        if hashlib.sha256(content).hexdigest() != said.get(key):
            raise BadInput(f"{folder / name} is not what was exported: its hash differs", "export it again")
    artefact = Artefact.from_bytes(body)
    if _content(folder, BOOSTER) != artefact.booster.encode():
        raise BadInput(f"{folder / BOOSTER} is not the exported model's", "export it again")
    origin = {"from": f"{artefact.model} v{artefact.version}", "sha256": artefact.sha256, "format": "mlflow"}
    return Unpacked(origin, artefact.booster, artefact, _kept(kept))


def _kept(content: bytes) -> dict[str, Any]:
    found = json.loads(content)
    if not isinstance(found, dict) or not all(name in found for name in KEEPS):
        raise BadInput("what was kept of the version cannot be read", "export it again")
    return found


def _foreign(folder: Path, told: Mapping[str, Any]) -> Unpacked:
    flavors = told["flavors"]
    flavor = flavors.get("lightgbm")
    if not isinstance(flavor, dict):
        named = ", ".join(sorted(str(name) for name in flavors if name != "python_function")) or "python_function"
        raise BadInput(f"a model of the flavor {named} is not read", "lightgbm is: mlflow.lightgbm.save_model(booster)")
    kind, data = flavor.get("model_class", PLAIN_BOOSTER), str(flavor.get("data", BOOSTER))
    if kind != PLAIN_BOOSTER or not data.endswith((".lgb", ".txt")):
        raise BadInput(
            f"{kind} in {data} is kept as a pickle, which would run code of its own and is never read",
            "save its booster instead: mlflow.lightgbm.save_model(model.booster_, DIR)",
        )
    body = _content(folder, data)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{folder / data} is no text", "only LightGBM's own text is read") from error
    said = {name: str(told[name]) for name in ("run_id", "mlflow_version") if told.get(name)}
    return Unpacked({"format": "mlflow", "sha256": hashlib.sha256(body).hexdigest(), **said}, text)


def _content(folder: Path, name: str) -> bytes:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BadInput(f"{name!r} leads out of the directory", "is it a directory that MLflow wrote?")
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput(f"{path} is larger than {LARGEST >> 20} MB", "no model of ours is")
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"there is no {path}", "name the directory that holds MLmodel") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}", "name the directory that holds MLmodel") from error


def _json(data: Any) -> bytes:
    return json.dumps(data, sort_keys=True, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _yaml(data: Any) -> bytes:
    import yaml

    return str(yaml.safe_dump(data, sort_keys=True, allow_unicode=True)).encode()
