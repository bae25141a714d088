"""What a LightGBM text from elsewhere says of its inputs, as raw inputs and a view of ours."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from core.errors import BadInput
from core.features.columns import IDENTITY, Feature, ViewColumn
from core.measures.values import CATEGORY, NUMBER

LINE = re.compile(r"^(feature_names|feature_infos|objective|num_class|max_feature_idx)=(.*)$", re.MULTILINE)
CATEGORIES = re.compile(r"^pandas_categorical:(.*)$", re.MULTILINE)
PARAMETERS = "\nparameters:"


def inputs(text: str) -> tuple[Feature, ...]:
    """The inputs of a binary booster, in the order of its columns, text columns with their levels.

    Raises BadInput for what is no LightGBM text, another objective, and categories that cannot be told apart.
    """
    said = dict(LINE.findall(text.partition("\nTree=")[0]))
    if "feature_names" not in said or "max_feature_idx" not in said:
        raise BadInput("that is no text of a LightGBM model", "save it by mlflow.lightgbm.save_model(booster)")
    objective = said.get("objective", "").split(" ")[0]
    if objective != "binary" or said.get("num_class") != "1":
        raise BadInput(f"its objective is {objective or 'not known'!r}", "a model of the objective binary is read")
    names, infos = said["feature_names"].split(" "), said.get("feature_infos", "").split(" ")
    if len(names) != len(infos) or len(set(names)) != len(names):
        raise BadInput("the LightGBM text does not name its inputs", "save the model again")
    levels = _levels(text)
    places = [place for place, info in enumerate(infos) if info != "none" and not info.startswith("[")]
    if len(places) != len(levels):
        raise BadInput(
            f"{len(places)} inputs are categories and {len(levels)} have their levels in the text",
            "train it on pandas columns of the type category, each with two levels or more that occur",
        )
    known = dict(zip(places, levels, strict=True))
    return tuple(_feature(name, known.get(place)) for place, name in enumerate(names))


def plain_view(features: Sequence[Feature]) -> tuple[ViewColumn, ...]:
    """Every input as it is."""
    return tuple(ViewColumn(feature.name, IDENTITY, feature.name) for feature in features)


def without_parameters(text: str) -> str:
    """The model alone, as we keep one: what follows tells of its training."""
    return text.split(PARAMETERS, 1)[0] + "\n" if PARAMETERS in text else text


def _feature(name: str, levels: list[str] | None) -> Feature:
    return Feature(name, NUMBER) if levels is None else Feature(name, CATEGORY, tuple(levels))


def _levels(text: str) -> list[list[str]]:
    """The levels that pandas gave each category column, in the order of their codes."""
    found = CATEGORIES.findall(text)
    try:
        levels = json.loads(found[-1]) if found else None
    except ValueError as error:
        raise BadInput("the categories of the LightGBM text cannot be read", "save the model again") from error
    levels = levels or []
    if not all(isinstance(each, list) and all(isinstance(level, str) for level in each) for each in levels):
        raise BadInput("a category of the model is made of numbers", "categories that are texts are read")
    return list(levels)
