from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from core.datasets import load, rows
from core.desk import Desk
from core.errors import BadInput, NotFound
from core.governance.lineage import of_version
from core.registry import card, versions
from core.registry.compare import compare
from core.registry.measured import measured
from core.registry.versions import Version
from core.tracking import export
from core.tracking.take import Wanted, take
from core.training.booster import score_table

Tocsin = Callable[..., tuple[int, str, str]]

# A process that knows nothing of Tocsin but the directory, as MLflow's would.
ALONE = """
import importlib, json, sys
import pandas
folder = sys.argv[1]
sys.path.insert(0, folder + "/code")
conf = json.loads(sys.argv[2])
model = importlib.import_module(conf["loader_module"])._load_pyfunc(folder + "/" + conf["data"])
rows = pandas.DataFrame(json.loads(sys.stdin.read()))
assert not any(name == "core" or name.startswith("core.") for name in sys.modules)
print(json.dumps(model.predict(rows).tolist()))
"""


def mlmodel(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((folder / "MLmodel").read_text())
    return found


def awkward(desk: Desk) -> Any:
    """Raw inputs of the trained model with missing values and a level it has never seen."""
    table = load.load(desk, rows.snapshot(desk.store, "flights")).select(["x", "minute", "carrier"]).slice(0, 200)
    frame = table.to_pandas().astype({"minute": float, "carrier": object})
    frame.loc[3, ["x", "carrier"]] = None
    frame.loc[5, "carrier"] = "ZZ"
    return frame


@pytest.mark.parametrize("number", [1, 2])
def test_the_exported_code_scores_raw_inputs_as_we_do(desk: Desk, viewed: Version, tmp_path: Path, number: int) -> None:
    import pyarrow as pa

    folder = tmp_path / "out"
    export.write(desk, "flights", number, folder)
    frame = awkward(desk)
    conf = json.dumps(mlmodel(folder)["flavors"]["python_function"])
    ran = subprocess.run(
        [sys.executable, "-c", ALONE, str(folder), conf],
        input=frame.to_json(orient="records"),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    table = pa.Table.from_pandas(frame, preserve_index=False)
    ours = score_table(versions.load_artefact(desk, "flights", number), table)
    assert np.abs(np.array(json.loads(ran.stdout)) - ours).max() == 0


def test_the_directory_names_what_mlflow_asks_for(desk: Desk, trained: Version, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    written = export.write(desk, "flights", 1, folder)
    told = mlmodel(folder)
    assert {"MLmodel", "model.lgb", "conda.yaml", "python_env.yaml", "requirements.txt", "input_example.json"} < {
        *written
    }
    inputs = {each["name"]: each["type"] for each in json.loads(told["signature"]["inputs"])}
    assert inputs == {"x": "double", "minute": "double", "carrier": "string"}
    assert set(told["flavors"]) == {"lightgbm", "python_function"}
    assert "core" not in {path.parts[1] for path in map(Path, written) if path.parts[0] == "code"}


def test_an_export_taken_in_again_is_the_same_model_with_its_figures(
    desk: Desk, trained: Version, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    export.write(desk, "flights", 1, folder)
    again = take(desk, folder, Wanted("flights"))
    assert (again.version, again.stage, again.metrics) == (2, "candidate", trained.metrics)
    ours = versions.load_artefact(desk, "flights", 1)
    assert versions.load_artefact(desk, "flights", 2).numbered(1).sha256 == ours.sha256 == trained.artefact
    assert again.parameters["imported_from"] == {
        "from": "flights v1",
        "sha256": trained.artefact,
        "format": "mlflow",
    }
    assert "imported from" in {node.kind for node in of_version(desk, "flights", 2).below[0].below}
    assert measured(desk.store, again)[0].purpose == "holdout"


@pytest.mark.parametrize("name", ["tocsin/model.json", "tocsin/version.json", "model.lgb"])
def test_a_changed_file_is_never_taken_in(desk: Desk, trained: Version, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "out"
    export.write(desk, "flights", 1, folder)
    (folder / name).write_bytes((folder / name).read_bytes().replace(b"0", b"1", 1))
    with pytest.raises(BadInput):
        take(desk, folder, Wanted("flights"))
    assert len(versions.versions(desk.store, "flights")) == 1


def foreign(folder: Path, **options: Any) -> Any:
    """A directory as mlflow.lightgbm.save_model writes one, of a booster trained on pandas columns."""
    import lightgbm
    import pandas as pd

    draw = np.random.default_rng(3)
    frame = pd.DataFrame({"x": draw.normal(size=400), "carrier": pd.Categorical(draw.choice(["UA", "AA", "DL"], 400))})
    labels = (frame["x"] + (frame["carrier"] == "AA") + draw.normal(size=400) > 0).astype(int)
    parameters = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": 1, **options}
    booster = lightgbm.train(parameters, lightgbm.Dataset(frame, labels), 5)
    folder.mkdir()
    booster.save_model(folder / "model.lgb")
    flavor = {"data": "model.lgb", "model_class": "lightgbm.basic.Booster", "lgb_version": lightgbm.__version__}
    (folder / "MLmodel").write_text(yaml.safe_dump({"flavors": {"lightgbm": flavor}, "run_id": "abc"}))
    return booster


def test_a_booster_from_elsewhere_becomes_a_version_that_scores_as_it_did(
    desk: Desk, add: Callable[..., str], tmp_path: Path
) -> None:
    import pandas as pd

    add()
    booster = foreign(tmp_path / "theirs")
    version = take(desk, tmp_path / "theirs", Wanted("theirs", "flights", label="delay>=8"))
    table = load.load(desk, rows.snapshot(desk.store, "flights"))
    frame = table.select(["x", "carrier"]).to_pandas()
    frame["carrier"] = pd.Categorical(frame["carrier"])
    ours = score_table(versions.load_artefact(desk, "theirs"), table)
    assert np.abs(ours - booster.predict(frame)).max() == 0
    assert version.parameters["imported_from"]["run_id"] == "abc"
    assert version.metrics["auc"] > 0.6
    assert measured(desk.store, version)[0].purpose == "import"
    assert measured(desk.store, version, "holdout") == []
    assert "theirs" in card.card(desk, "theirs")


def test_every_screen_of_the_registry_shows_an_imported_version(
    tocsin: Tocsin, desk: Desk, trained: Version, tmp_path: Path
) -> None:
    foreign(tmp_path / "theirs")
    argv = ["import", str(tmp_path / "theirs"), "--model", "flights", "--dataset", "flights", "--label", "delay>=8"]
    assert tocsin("model", *argv, "--dry-run")[:2] == (
        0,
        f"would import {tmp_path / 'theirs'} as a version of flights with 2 inputs, which predicts delay>=8\n",
    )
    assert tocsin("model", *argv)[0] == 2
    assert tocsin("model", *argv, "--yes")[0] == 0
    for words in (["show", "flights"], ["card", "flights"], ["compare", "flights", "1", "2"], ["lineage", "flights"]):
        code, out, err = tocsin("model", *words)
        assert (code, err) == (0, ""), words
        assert out
    assert compare(desk, "flights", 1, 2).differences


@pytest.mark.parametrize(
    ("flavors", "said"),
    [
        ({"sklearn": {"data": "model.pkl"}, "python_function": {}}, "sklearn"),
        ({"lightgbm": {"data": "model.pkl", "model_class": "lightgbm.sklearn.LGBMClassifier"}}, "pickle"),
        ({"lightgbm": {"data": "../../secret.txt"}}, "leads out"),
        ({"python_function": {"data": "x"}}, "python_function"),
    ],
)
def test_other_flavors_are_refused_by_name(desk: Desk, tmp_path: Path, flavors: dict[str, Any], said: str) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "MLmodel").write_text(yaml.safe_dump({"flavors": flavors}))
    with pytest.raises(BadInput, match=said):
        take(desk, folder, Wanted("m", "flights"))


@pytest.mark.parametrize("text", ["", "]", "flavors: 3", "!!python/object/apply:os.system ['true']", "\x00"])
def test_a_damaged_mlmodel_is_told_as_such(desk: Desk, tmp_path: Path, text: str) -> None:
    (tmp_path / "MLmodel").write_text(text)
    with pytest.raises(BadInput):
        take(desk, tmp_path, Wanted("m", "flights"))
    with pytest.raises(NotFound):
        take(desk, tmp_path / "nowhere", Wanted("m", "flights"))


def test_a_booster_that_does_not_fit_the_data_is_refused(desk: Desk, add: Callable[..., str], tmp_path: Path) -> None:
    add()
    foreign(tmp_path / "ranks", objective="cross_entropy")
    with pytest.raises(BadInput, match="cross_entropy"):
        take(desk, tmp_path / "ranks", Wanted("m", "flights", label="delay>=8"))
    foreign(tmp_path / "theirs")
    with pytest.raises(BadInput, match="reference"):
        take(desk, tmp_path / "theirs", Wanted("m"))
    with pytest.raises(BadInput, match="label"):
        take(desk, tmp_path / "theirs", Wanted("m", "flights"))
    with pytest.raises(BadInput, match="'x'"):
        take(desk, tmp_path / "theirs", Wanted("m", "flights", label="x>=0"))
    assert versions.models(desk.store) == []


def test_an_export_is_whole_or_not_there(tocsin: Tocsin, desk: Desk, trained: Version, tmp_path: Path) -> None:
    assert tocsin("model", "export", "flights", "1", str(tmp_path / "out"))[0] == 0
    assert tocsin("model", "export", "flights", "1", str(tmp_path / "out"))[0] == 2
    assert tocsin("model", "export", "flights", "1", str(tmp_path / "new"), "--format", "nobody")[0] == 3
    (tmp_path / "file").write_text("")
    assert tocsin("model", "export", "flights", "1", str(tmp_path / "file" / "out"))[0] == 2
    assert sorted(each.name for each in tmp_path.iterdir() if each.name.startswith(".")) == []
