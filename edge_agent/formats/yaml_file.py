"""Read a YAML file strictly into a frozen pydantic model; every complaint is one sentence with file and line.

The dialect is smaller than YAML 1.1, so that a file means what it looks like: `04:00`, `no`, `0755` and `2026-07-01`
are texts (1.1 reads 240, False, 493 and a date). Aliases and merge keys are refused: a few nested aliases unfold to
gigabytes; so are tags, which would say that a value is something else than it looks like.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic_core import ErrorDetails
from yaml.composer import Composer

from edge_agent.domain.said import Said, reason_of, say
from edge_agent.errors import BadConfig, BadInput
from edge_agent.formats.complaints import what_is_wrong

MAX_BYTES = 1_000_000
"""A larger file is no configuration that a person wrote."""

Loc = Sequence[str | int]
"""A place in a file, as pydantic names it: keys and indices from the root inwards."""

Model = TypeVar("Model", bound=BaseModel)

_BOOL = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_INT = re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$")
_FLOAT = re.compile(r"^[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)$")
_NULL = re.compile(r"^(?:~|null|Null|NULL|)$")
_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_DIALECT = (
    ("tag:yaml.org,2002:bool", _BOOL, list("tTfF")),
    ("tag:yaml.org,2002:int", _INT, list("-+0123456789")),
    ("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789")),
    ("tag:yaml.org,2002:null", _NULL, ["~", "n", "N", ""]),
)


class FileModel(BaseModel):
    """Base of everything read from a file: frozen, unknown keys refused, no NaN and no infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _KeyTwice(yaml.MarkedYAMLError):
    """A key stands a second time in its group."""


class _Loader(Composer, yaml.CSafeLoader):
    """The safe loader with the dialect of this module, without aliases and without repeated keys.

    libyaml finds the words and PyYAML makes nodes of them, in a sixth of the time that PyYAML takes alone: a pack's
    manifest may have two thousand lines, and is read before the first verdict.
    """

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  PyYAML wants a plain dict

    def __init__(self, text: str) -> None:
        yaml.CSafeLoader.__init__(self, text)
        Composer.__init__(self)

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()
        mark: Any = event.start_mark if event else None  # libyaml has marks of its own, which say as much
        if isinstance(event, yaml.AliasEvent):
            said = say("yaml_alias", "aliases are not supported; write the value out")
            raise yaml.MarkedYAMLError(None, None, said, mark)
        tag = getattr(event, "tag", None)
        if tag is not None:
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            said = say("yaml_tag", "tags are not supported; leave {tag} out, a value is what it looks like", tag=shown)
            raise yaml.MarkedYAMLError(None, None, said, mark)
        return super().compose_node(parent, index)

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if (key.tag, key.value) in seen:
                said = say(
                    "yaml_key_twice", "the key {key} stands here a second time; keep one of them", key=repr(key.value)
                )
                raise _KeyTwice(None, None, said, key.start_mark)
            seen.add((key.tag, key.value))
        return node


class _Dumper(yaml.SafeDumper):
    """Writes what `_Loader` reads back: the same dialect decides what must stand in quotes."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  PyYAML wants a plain dict

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  the signature is PyYAML's
        return True


_SHOWN_CHARACTERS = 60
_MAY_HOLD_A_SECRET = ("password", "url", "pipeline")
"""Keys whose values are not repeated in a complaint: somebody may have written a password there by mistake."""

for _tag, _pattern, _first in _DIALECT:
    _Loader.add_implicit_resolver(_tag, _pattern, _first)
    _Dumper.add_implicit_resolver(_tag, _pattern, _first)


def _text_node(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # PyYAML loses Unicode's own line ends and byte order marks, except between double quotes, where it escapes them.
    style = '"' if any(character in text for character in "\x85\u2028\u2029\ufeff") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text_node)


def load_yaml(path: Path, model: type[Model], *, error: type[BadInput] = BadConfig) -> Model:
    """The file as a value of `model`.

    Raises:
        BadInput: as the class `error` (a configuration unless said otherwise): the file cannot be read, is no YAML, or
            does not fit the model. The text names file and line, and says what to do.
    """
    return model_of(text_of(path, error=error), model, path=path, error=error)


def text_of(path: Path, *, error: type[BadInput] = BadConfig) -> str:
    """The text of a file, which is bounded.

    Raises:
        BadInput: as the class `error`: it cannot be read, is too large, or not UTF-8.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError as refusal:
        raise error(say("file_none", "there is no such file"), path=path) from refusal
    except OSError as refusal:
        raise error(
            say("file_unreadable", "the file cannot be read: {why}", why=reason_of(refusal)), path=path
        ) from refusal
    if len(raw) > MAX_BYTES:
        raise error(
            say("file_too_large", "the file is larger than {most:,} bytes; is it the right one?", most=MAX_BYTES),
            path=path,
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as refusal:
        line = raw.count(b"\n", 0, refusal.start) + 1
        raise error(
            say("file_not_utf8", "the text is not UTF-8; save the file in that encoding"), path=path, line=line
        ) from refusal


def model_of(text: str, model: type[Model], *, path: Path, error: type[BadInput] = BadConfig) -> Model:
    """The text of a file as a value of `model`.

    Raises:
        BadInput: as `load_yaml`; `path` is the file that it names.
    """
    root, data = _parse(text, path, error)
    try:
        return model.model_validate(data)
    except ValidationError as refusal:
        details = refusal.errors(include_url=False)
        raise _complaint(path, root, model, details, error) from refusal


def faults_in(path: Path, model: type[BaseModel], *, error: type[BadInput] = BadConfig) -> tuple[BadInput, ...]:
    """All that keeps `load_yaml` from reading the file, from top to bottom; nothing where it would."""
    try:
        root, data = _parse(text_of(path, error=error), path, error)
    except BadInput as refusal:
        return (refusal,)
    try:
        model.model_validate(data)
    except ValidationError as refusal:
        found = [
            (_line_at(root, detail["loc"]), _sentence(detail, model))
            for detail in _telling(refusal.errors(include_url=False))
        ]
        return tuple(error(said, path=path, line=line) for line, said in sorted(dict.fromkeys(found)))
    return ()


def find_line(path: Path, loc: Loc) -> int | None:
    """The line (from 1) of the key or list item at `loc`, for errors that only show once the file is understood.

    Where the last steps of `loc` are not in the file, the line of the nearest thing around them; None when the file
    no longer reads.
    """
    try:
        root, _ = _parse(text_of(path), path, BadConfig)
    except BadConfig:
        return None
    return _line_at(root, loc)


def line_in(text: str, loc: Loc) -> int | None:
    """The line (from 1) of `loc` in a text of YAML or JSON, as `find_line`; None when it does not read."""
    try:
        root, _ = _compose(_as_yaml(text))
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    return None if root is None else _line_at(root, loc)


def line_of_second_key(text: str) -> int | None:
    """The line (from 1) where a key stands a second time in a text of YAML or JSON; None when there is none."""
    try:
        _compose(_as_yaml(text))
    except _KeyTwice as refusal:
        mark = refusal.problem_mark
        return None if mark is None else mark.line + 1
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    return None


def _as_yaml(text: str) -> str:
    """JSON as YAML of the same length: JSON may be indented with tabs, and escapes half an emoji at a time."""
    return _HALF_CHARACTER.sub(r"\\u0020", text.replace("\t", " "))


def dump_yaml(data: Mapping[str, Any]) -> str:
    """Plain data as YAML that `load_yaml` reads back to the same values; keys keep their order."""
    return str(yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))


def _parse(text: str, path: Path, error: type[BadInput]) -> tuple[yaml.Node, Any]:
    try:
        root, data = _compose(text)
    except yaml.MarkedYAMLError as refusal:
        mark = refusal.problem_mark or refusal.context_mark
        line = None if mark is None else _line_within(text, mark.line + 1)
        raise error(_what_is_no_yaml(refusal, text), path=path, line=line) from refusal
    except yaml.reader.ReaderError as refusal:
        line = text.encode().count(b"\n", 0, refusal.position) + 1
        raise error(
            say("yaml_character", "a character that YAML does not allow; remove it"), path=path, line=line
        ) from refusal
    except RecursionError as refusal:
        raise error(say("yaml_too_deep", "the values are nested too deeply"), path=path) from refusal
    except ValueError as refusal:
        raise error(say("yaml_value", "a value cannot be read: {why}", why=refusal), path=path) from refusal
    if root is None:
        raise error(say("file_empty", "the file is empty"), path=path)
    if not isinstance(root, yaml.MappingNode):
        raise error(
            say("yaml_no_keys", "the file must hold keys with values, such as 'name: value'"),
            path=path,
            line=_line_within(text, _line(root)),
        )
    return root, data


def _what_is_no_yaml(refusal: yaml.MarkedYAMLError, text: str) -> str:
    """What the parser says, in words that say what to do where it is something that people write."""
    problem, mark, began = refusal.problem or "", refusal.problem_mark, refusal.context_mark
    if isinstance(problem, Said):
        return problem
    begins_with = text[mark.index : mark.index + 1] if mark is not None and "cannot start any token" in problem else ""
    if begins_with == "\t" or "tab character" in problem:
        return say("yaml_tab", "a tab stands here; indent with spaces")
    if begins_with:
        return say("yaml_first", "no value may begin with {character}; put it in quotes", character=begins_with)
    if "unknown escape character" in problem:
        return say("yaml_escape", "between double quotes a backslash is written twice; single quotes take it as it is")
    context = refusal.context
    if context and began is not None and mark is not None and began.line != mark.line:
        context = f"{context} that began in line {began.line + 1}"
    return say("yaml_invalid", "{why}", why=" ".join(part for part in (context, problem) if part))


def _line_within(text: str, line: int) -> int:
    """What is missing at the end of a file is missed on the line after the last: the last one is said."""
    return max(1, min(line, len(text.splitlines())))


def _compose(text: str) -> tuple[yaml.Node | None, Any]:
    """The one document of the text as nodes (which know their lines) and as plain data."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        return root, None if root is None else loader.construct_document(root)
    finally:
        loader.dispose()


def _complaint(
    path: Path, root: yaml.Node, model: type[BaseModel], details: list[ErrorDetails], error: type[BadInput]
) -> BadInput:
    """The error that helps most: an unknown key first (a mistyped key is also missing), then the topmost."""
    details = _telling(details)
    first = min(details, key=lambda d: (d["type"] != "extra_forbidden", _line_at(root, d["loc"])))
    said = _sentence(first, model)
    if len(details) > 1:
        said = say("and_more", "{said} (and {n} more)", said=said, n=len(details) - 1)
    return error(said, path=path, line=_line_at(root, first["loc"]))


def _telling(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without those that only follow: a list whose items are refused is also called too short."""
    inner = [d["loc"] for d in details]
    told = [
        d
        for d in details
        if d["type"] != "too_short" or not any(loc != d["loc"] and loc[: len(d["loc"])] == d["loc"] for loc in inner)
    ]
    return told or details


def _sentence(detail: ErrorDetails, model: type[BaseModel]) -> str:
    if detail["type"] in ("extra_forbidden", "missing"):
        return _about_key(detail, model)
    where = ".".join(str(part) for part in detail["loc"]) or say("the_file", "the file")
    said = what_is_wrong(detail)
    if detail["type"] in ("value_error", "assertion_error"):
        return say("at_place", "{place}: {said}", place=where, said=said)
    whole = say("value_at", "{where} {said}", where=where, said=said)
    is_of_length = detail["type"] in ("too_short", "too_long")
    if not is_of_length and not any(word in str(part) for part in detail["loc"] for word in _MAY_HOLD_A_SECRET):
        whole = say("value_not", "{said}, not {found}", said=whole, found=_shown(detail["input"]))
    is_unquoted = detail["type"] == "string_type" and isinstance(detail["input"], int | float)
    return say("value_in_quotes", "{said}; put it in quotes", said=whole) if is_unquoted else whole


def _about_key(detail: ErrorDetails, model: type[BaseModel]) -> str:
    """A key that is missing, or that nobody knows."""
    *above, last = detail["loc"]
    key = repr(str(last))
    if detail["type"] == "missing":
        if not above:
            return say("key_missing", "the key {key} is missing; add it", key=key)
        inside = repr(".".join(map(str, above)))
        return say("key_missing_in", "the key {key} is missing in {inside}; add it", key=key, inside=inside)
    known = sorted(_known_keys(model, above))
    close = difflib.get_close_matches(str(last), known, n=1)
    if close:
        return say("key_meant", "unknown key {key}; did you mean {close}?", key=key, close=repr(close[0]))
    if not known:
        return say("key_unknown", "unknown key {key}", key=key)
    return say("key_not_allowed", "unknown key {key}; allowed here: {known}", key=key, known=", ".join(known))


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return say("a_group", "a group of keys")
    if isinstance(value, list):
        return say("a_list", "a list")
    if value is None:
        return say("nothing", "nothing")
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."


def _line(node: yaml.Node) -> int:
    line: int = node.start_mark.line
    return line + 1


def _line_at(root: yaml.Node, loc: Loc) -> int:
    """Follow `loc` from the root; steps that are not there (a missing key, the tag of a union) are passed over."""
    node, line = root, _line(root)
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value == str(part):
                    node, line = value, _line(key)
                    break
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = _line(node)
    return line


def _known_keys(model: type[BaseModel], loc: Loc) -> set[str]:
    """The keys that the model allows at `loc`, read from its JSON schema; empty where it has none."""
    try:
        schema = model.model_json_schema()
    except PydanticInvalidForJsonSchema:
        return set()
    definitions = schema.get("$defs", {})
    here = list(_alternatives(schema, definitions))
    for part in loc:
        steps = [step for schema in here for step in _step(schema, part)]
        if steps:  # else the part is the tag of a union: stay
            here = [alternative for step in steps for alternative in _alternatives(step, definitions)]
    return {key for schema in here for key in schema.get("properties", {})}


def _alternatives(schema: dict[str, Any], definitions: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "$ref" in schema:
        yield from _alternatives(definitions[schema["$ref"].rpartition("/")[2]], definitions)
        return
    yield schema
    for combination in ("anyOf", "oneOf", "allOf"):
        for option in schema.get(combination, ()):
            yield from _alternatives(option, definitions)


def _step(schema: dict[str, Any], part: str | int) -> Iterator[dict[str, Any]]:
    if str(part) in schema.get("properties", {}):
        yield schema["properties"][str(part)]
    elif isinstance(part, int) and isinstance(schema.get("items"), dict):
        yield schema["items"]
    elif isinstance(schema.get("additionalProperties"), dict):
        yield schema["additionalProperties"]
