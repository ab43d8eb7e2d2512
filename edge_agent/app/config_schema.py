"""The JSON schema of the configuration, for editors: what may stand where, in the words of the settings' docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from edge_agent.checking.camera_watch import CameraLimits
from edge_agent.checking.policy import Policy
from edge_agent.settings import CameraLimitSettings, Settings, TimingSettings

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_EXPLAINED_BY: Mapping[type, type] = {TimingSettings: Policy, CameraLimitSettings: CameraLimits}
"""Settings that only repeat values of the checker are explained there."""

_ENTRY = re.compile(r"^ {4}(\w+(?:, \w+)*): (.+(?:\n {8}.+)*)", re.MULTILINE)


def settings_schema() -> dict[str, Any]:
    """The schema of `configs/edge.yaml`; every key is optional, unknown ones are refused."""
    schema = Settings.model_json_schema(schema_generator=_ForEditors)
    return {"$schema": DIALECT, "title": "Edge Agent", **{k: v for k, v in schema.items() if k != "title"}}


class _ForEditors(GenerateJsonSchema):
    """Pydantic's own, with a description for every key."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        model = schema["cls"]
        made["description"] = (inspect.getdoc(model) or "").partition("\n\n")[0]
        told = _attributes_of(_EXPLAINED_BY.get(model, model))
        for name, prop in made.get("properties", {}).items():
            prop.pop("title", None)  # it repeats the key
            if name in told:
                prop["description"] = told[name]
        return made

    def time_schema(self, schema: core_schema.TimeSchema) -> JsonSchemaValue:
        """`format: time` wants a zone; here it is the restaurant's, `04:00`."""
        del schema
        return {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"}


def _attributes_of(described: type) -> dict[str, str]:
    """What the section "Attributes" of a class's docstring says of each."""
    _, _, section = (inspect.getdoc(described) or "").partition("Attributes:\n")
    return {name: " ".join(text.split()) for names, text in _ENTRY.findall(section) for name in names.split(", ")}
