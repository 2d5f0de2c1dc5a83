"""The mistakes in the data of a site file: all of them at once, each with its path."""

from __future__ import annotations

import difflib
import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from pulumi_plugchoice._text import clean, is_uuid, list_some, printable
from pulumi_plugchoice.electrical.limits import PRESETS
from pulumi_plugchoice.electrical.rotations import shift_rotation
from pulumi_plugchoice.inputs import Mistake, judge, quote

from .model import MOST_CONNECTORS, MOST_GROUPS, PARTS, SiteFile
from .yaml_text import MAX_MISTAKES, Finding, KeyPath, format_path

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping

    from pydantic import BaseModel
    from pydantic_core import ErrorDetails


def validate(
    data: Any, get_source: Callable[[KeyPath], str | None] = lambda _: None
) -> tuple[SiteFile | None, list[Finding]]:
    """Build the site from parsed data, or find all mistakes in it.

    Args:
        data: dicts, lists, text, numbers, booleans.
        get_source: returns a value as it is written in the file: 1.50 is not 1.5.

    Returns:
        The site, or None when there are findings; the findings.
    """
    if not hasattr(data, "items"):
        return None, [_find((), *_describe(data, "a mapping"), "a site file needs site, supply and chargers")]
    findings = [*_check_size(data)]
    if findings:
        return None, findings
    site = None
    try:
        site = SiteFile.model_validate(data)
    except ValidationError:
        errors = itertools.islice(_list_errors(SiteFile, data, ()), MAX_MISTAKES + 1)
        findings += [_translate(path, item, get_source) for path, item in errors]
    paths = {finding.path for finding in findings}
    others = (finding for finding in _check_relations(data) if finding.path not in paths)
    findings += itertools.islice(others, MAX_MISTAKES + 1)
    return (None if findings else site), findings


def _list_errors(model: type[BaseModel], data: Any, path: KeyPath) -> Iterator[tuple[KeyPath, ErrorDetails]]:
    """Yield the errors of pydantic, each with its path, entry by entry.

    Nobody reads a hundred thousand of them, and to translate them all takes minutes.
    """
    known = model.model_fields if isinstance(data, dict) else {}
    lists = [key for key in _LISTS if key in known and isinstance(data.get(key), list)]
    without = {key: [PARTS[key].model_construct()] * len(data[key]) for key in lists}
    try:
        model.model_validate({**data, **without} if without else data)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            yield (*path, *item["loc"]), item
    for key in lists:
        for place, entry in enumerate(data[key]):
            yield from _list_errors(PARTS[key], entry, (*path, key, place))


_LISTS: Final = ("groups", "chargers", "connectors")


def _check_size(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Check the number of groups and connectors, before anything that takes longer the more there are."""
    groups = data.get("groups")
    if isinstance(groups, list) and len(groups) > MOST_GROUPS:
        yield _find(("groups",), None, f"has {len(groups)} groups", f"allowed: at most {MOST_GROUPS} in a file")
    connectors = sum(
        max(1, len(charger["connectors"])) if isinstance(charger.get("connectors"), list) else 1
        for _, charger in _get_entries(data, "chargers")
    )
    if connectors > MOST_CONNECTORS:
        reason = f"has {connectors} connectors"
        yield _find(("chargers",), None, reason, f"allowed: at most {MOST_CONNECTORS} in a file")


def _find(path: KeyPath, value: str | None, reason: str, suggestion: str = "") -> Finding:
    return Finding(path, Mistake(format_path(path), value, reason, suggestion))


# ---------------------------------------------------------------- single values


def _translate(path: KeyPath, item: ErrorDetails, get_source: Callable[[KeyPath], str | None]) -> Finding:
    """Translate an error of pydantic."""
    kind, given = item["type"], item["input"]
    name = str(path[-1]) if path else ""
    fields = _get_model(path[:-1]).model_fields
    if kind == "extra_forbidden":
        suggestion = _suggest(name, fields) or f"allowed: {', '.join(fields)}"
        return replace(_find(path, None, "unknown key", suggestion), is_key=True)
    description = (fields[name].description or "").rstrip(".") if name in fields else ""
    if kind == "missing":
        return _find(path, None, "not set", f"required: {description}")
    if given is None:
        if not description:  # an entry of a list
            return _find(path, None, "is empty", "set it or remove it")
        is_required = fields[name].is_required()
        return _find(
            path, None, "is empty", f"{'required' if is_required else 'set it or leave it out'}: {description}"
        )
    if kind == "too_short":
        return _find(path, None, "is empty", "at least one is required")
    # The rules for the inputs of a connector are the same ones.
    mistake = judge(name, given) if name in ("site", "max_amperage", "connector_id") else None
    if mistake:
        return Finding(path, replace(mistake, place=format_path(path)))
    if kind in _TYPES:
        return _find_type(path, given, _TYPES[kind], get_source)
    return _find(path, quote(given), *_explain(kind, given, item.get("ctx", {}), description, str(item["msg"])))


_TYPES: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "bool_type": "true or false",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
    "dict_type": "a mapping (key: value)",
    "list_type": "a list (lines that begin with a dash)",
}


def _find_type(path: KeyPath, given: Any, wanted: str, get_source: Callable[[KeyPath], str | None]) -> Finding:
    value, reason = _describe(given, wanted)
    if isinstance(given, str) and wanted == "a whole number" and given.isdecimal():
        return _find(path, value, reason, f"write {printable(given, 20)} without quotes")
    if wanted == "text" and isinstance(given, int | float) and not isinstance(given, bool):
        value = printable(get_source(path) or given, 60)
        return _find(path, value, "is a number, not text", f'put it in quotes: "{value}"')
    return _find(path, value, reason)


def _describe(given: Any, wanted: str) -> tuple[str | None, str]:
    """Return the value, if it is short enough to show, and why it is wrong."""
    if isinstance(given, bool):
        return str(given).lower(), f"is not {wanted}"
    if isinstance(given, int | float):
        return quote(given), f"is not {wanted}"
    if isinstance(given, str):
        return quote(given), f"is text, not {wanted}"
    if given is None:
        return None, "is empty"
    if hasattr(given, "items"):
        return None, f"is a mapping, not {wanted}"
    # For example an output of Pulumi, whose value the program does not know yet.
    kind = "a list" if isinstance(given, list | tuple) else f"of type {type(given).__name__}"
    return None, f"is {kind}, not {wanted}"


def _explain(kind: str, given: Any, context: Mapping[str, Any], description: str, message: str) -> tuple[str, str]:
    """Return reason and suggestion."""
    if kind == "greater_than_equal":
        return "is out of range", f"allowed: at least {context['ge']} ({description})"
    if kind == "less_than_equal":
        return "is out of range", f"allowed: at most {context['le']} ({description})"
    if kind == "literal_error":
        return "is not allowed", f"allowed: {context['expected']}"
    if kind == "string_pattern_mismatch":
        return "is not a UUID", "a UUID looks like 0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7"
    if kind == "string_too_long":
        return f"has {len(given)} characters", f"allowed: at most {context['max_length']}"
    if kind == "string_too_short":
        return "is empty", f"required: {description}"
    return f"is not allowed: {printable(message, 200)}", ""


def _get_model(path: KeyPath) -> type[BaseModel]:
    model: type[BaseModel] = SiteFile
    for part in path:
        model = PARTS.get(str(part), model)
    return model


def _suggest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {printable(close[0], 60)}?" if close else ""


# ---------------------------------------------------------------- relations between values


def _check_relations(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Check values against each other. The data can have other mistakes; what cannot be read is skipped."""
    names = dict.fromkeys((yield from _check_groups(data)))
    supply = _get_mapping(data, "supply")
    if supply.get("net_type") == "IT" and supply.get("neutral") is True:
        reason = "does not fit net_type IT, which has no neutral"
        yield _find(("supply", "neutral"), "true", reason, "leave it out, or correct net_type")
    presets = _get_mapping(data, "limits").get("presets")
    for place, preset in enumerate(presets if isinstance(presets, list) else ()):
        if isinstance(preset, str) and preset not in PRESETS:
            allowed = f"allowed: {', '.join(PRESETS)}"
            yield _find(("limits", "presets", place), quote(preset), "is not a preset", allowed)
    defaults = _get_mapping(data, "defaults")
    yield from _check_group_name(defaults.get("group"), ("defaults", "group"), names)
    seen: dict[str, int] = {}
    for place, charger in _get_entries(data, "chargers"):
        path = ("chargers", place)
        yield from _check_charger(charger, path, names, seen)
        for number, connector in _get_entries(charger, "connectors"):
            yield from _check_connector(connector, (*path, "connectors", number), charger, defaults)


def _get_mapping(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _get_entries(data: Mapping[str, Any], key: str) -> list[tuple[int, dict[str, Any]]]:
    items = data.get(key)
    items = items if isinstance(items, list) else []
    return [(place, item) for place, item in enumerate(items) if isinstance(item, dict)]


def _check_group_name(name: Any, path: KeyPath, names: Collection[str]) -> Iterator[Finding]:
    if isinstance(name, str) and name not in names:
        groups = f"groups: {list_some([printable(known, 60) for known in names])}"
        yield _find(path, quote(name), "is not a group of this file", _suggest(name, names) or groups)


def _check_groups(data: Mapping[str, Any]) -> Generator[Finding, None, list[str]]:
    """Returns the names of the groups."""
    entries = _get_entries(data, "groups")
    first: dict[str, int] = {}
    parents: dict[str, Any] = {}
    for place, group in entries:
        path = ("groups", place)
        name, parent = group.get("name"), group.get("parent")
        if not isinstance(name, str):
            continue
        if clean(name) != name:
            suggestion = f"did you mean {quote(clean(name))}?"
            yield _find((*path, "name"), quote(name), "has extra blanks or invisible characters", suggestion)
        if name in first:
            reason = f"is already the name of groups[{first[name]}]"
            yield _find((*path, "name"), quote(name), reason, "give each group its own name")
        first.setdefault(name, place)
        parents.setdefault(name, parent if place else None)
        if place == 0 and parent is not None:
            reason = "is not allowed for the first group, which is the root"
            yield _find((*path, "parent"), quote(parent), reason, "leave it out")
        if place > 0 and parent is None:
            reason = f"group {quote(name)} has no parent, and only the first group is the root"
            yield _find(path, None, reason, "set parent")
    for place, group in entries:
        yield from _check_group_name(group.get("parent"), ("groups", place, "parent"), first)
        name = group.get("name")
        if place > 0 and isinstance(name, str) and first[name] == place and _is_own_ancestor(name, parents):
            reason = f"group {quote(name)} is its own ancestor"
            yield _find(("groups", place, "parent"), None, reason, "set another parent")
    yield from _check_fuses(data, entries)
    return list(first) or ["main"]


def _check_fuses(data: Mapping[str, Any], entries: list[tuple[int, dict[str, Any]]]) -> Iterator[Finding]:
    """Check the fuse of the root, and that each group number stands once."""
    fuse = dict(entries).get(0, {}).get("fuse_amps")
    main_fuse = _get_mapping(data, "supply").get("main_fuse_amps")
    if isinstance(main_fuse, int) and fuse not in (None, main_fuse):
        reason = f"differs from supply.main_fuse_amps, {quote(main_fuse)}, which is the fuse of the root"
        yield _find(("groups", 0, "fuse_amps"), quote(fuse), reason, "leave it out")
    names: dict[int, str] = {}
    for place, group in entries:
        number = group.get("group_id")
        if isinstance(number, int) and number in names:
            reason = f"is already the number of group {quote(names[number])}"
            yield _find(("groups", place, "group_id"), quote(number), reason, "give each group its own number")
        elif isinstance(number, int):
            names[number] = str(group.get("name"))


def _is_own_ancestor(name: str, parents: Mapping[str, Any]) -> bool:
    above, steps = parents.get(name), 0
    while isinstance(above, str) and above != name and steps <= len(parents):
        above, steps = parents.get(above), steps + 1
    return above == name


def _check_charger(
    charger: Mapping[str, Any], path: KeyPath, names: Collection[str], seen: dict[str, int]
) -> Iterator[Finding]:
    identity, uuid = charger.get("identity"), charger.get("uuid")
    if identity is None and uuid is None:
        yield _find(path, None, "neither identity nor uuid is set", "set one of them, or both")
    if isinstance(identity, str):
        mistake = judge("charger", identity)
        if is_uuid(identity):
            yield _find((*path, "identity"), quote(identity), "is a UUID", "set it as uuid")
        elif mistake:
            yield Finding((*path, "identity"), replace(mistake, place=format_path((*path, "identity"))))
    for name, given in (("identity", identity), ("uuid", uuid)):
        if not isinstance(given, str):
            continue
        key = given.lower() if name == "uuid" else given
        if key in seen:
            reason = f"is already the {name} of chargers[{seen[key]}]"
            yield _find((*path, name), quote(given), reason, "keep one charger with all connectors")
        seen.setdefault(key, int(path[1]))
    yield from _check_group_name(charger.get("group"), (*path, "group"), names)
    numbers: set[int] = set()
    for place, connector in _get_entries(charger, "connectors"):
        number = connector.get("connector_id")
        if not isinstance(number, int):
            continue
        if number in numbers:
            reason = "is already the number of another connector of this charger"
            yield _find((*path, "connectors", place, "connector_id"), quote(number), reason, "give each its own number")
        numbers.add(number)


def _check_connector(
    connector: Mapping[str, Any], path: KeyPath, charger: Mapping[str, Any], defaults: Mapping[str, Any]
) -> Iterator[Finding]:
    rotations = {}
    for name in ("phase_rotation", "planned_rotation"):
        value = connector.get(name)
        if not isinstance(value, str):
            continue
        mistake = judge("phase_rotation", value)
        if mistake:
            yield Finding((*path, name), replace(mistake, place=format_path((*path, name))))
        else:
            rotations[name] = value
    if len(rotations) == 2:
        yield from _check_plan(rotations["phase_rotation"], rotations["planned_rotation"], path)
    if "planned_rotation" in rotations and connector.get("phase_rotation") is None:
        reason = "is planned, but phase_rotation is not set"
        suggestion = "set phase_rotation to the rotation as wired"
        yield _find((*path, "planned_rotation"), quote(rotations["planned_rotation"]), reason, suggestion)
    managed = connector.get("managed", True)
    settings = [name for name in ("phase_rotation", "max_amperage") if connector.get(name) is not None]
    if managed is False and settings:
        yield _find((*path, "managed"), "false", f"contradicts {settings[0]}", "remove one of them")
    has_default = defaults.get("max_amperage") is not None and charger.get("ac_input_amps") is None
    if managed is True and not settings and not has_default:
        reason = "neither phase_rotation nor max_amperage is set"
        yield _find(path, None, reason, "set at least one, or managed: false")


def _check_plan(rotation: str, planned: str, path: KeyPath) -> Iterator[Finding]:
    allowed = [shift_rotation(rotation, step) for step in range(3)]
    if planned not in allowed:
        reason = f"changes the field direction or the number of lines of {rotation}"
        yield _find((*path, "planned_rotation"), quote(planned), reason, f"allowed: {' or '.join(allowed[1:])}")
