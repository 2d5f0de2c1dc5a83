"""The site file: one site, its fuses, groups, chargers and connectors, in YAML that an operations person edits.

The models are the file's shape, with what editors show beside it (`site.schema.json` is made from them). All mistakes
of a file are found at once, each with its line and column.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pulumi_plugchoice._text import is_uuid, printable
from pulumi_plugchoice.electrical.limits import PRESETS
from pulumi_plugchoice.electrical.rotations import MAX_AMPERAGE, MIN_AMPERAGE, PHASE_ROTATIONS, shift_rotation
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.inputs import judge

from .yaml_text import MOST_BYTES, MOST_PROBLEMS, parse

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from .yaml_text import Document

OnAdopt = Literal["overwrite", "match"]
OnDestroy = Literal["retain", "restore"]
Amps = Annotated[int, Field(ge=1, le=10_000)]
_UUID: Final = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"

_ON_ADOPT = (
    "What to do with a connector whose live values differ when it is first managed: overwrite, or match (refuse)."
)
_ON_DESTROY = (
    "What to leave behind when a connector is no longer managed: retain its values, or restore the original ones."
)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LineAmps(_Entry):
    """A on each of the three building lines."""

    L1: int = Field(ge=0, le=10_000, description="A on building line L1 (R).")
    L2: int = Field(ge=0, le=10_000, description="A on building line L2 (S).")
    L3: int = Field(ge=0, le=10_000, description="A on building line L3 (T).")


class Supply(_Entry):
    """What feeds the site."""

    net_type: Literal["TN", "TT", "IT"] = Field(description="Kind of net: TN, TT or IT.")
    neutral: bool | None = Field(
        None,
        description="Whether there is a neutral conductor. Default: true for TN and TT, false for IT (Norway has TT "
        "without).",
    )
    main_fuse_amps: Amps = Field(description="Main fuse, A per line.")
    safety_margin_percent: int = Field(0, ge=0, le=50, description="Part of each fuse that is kept free, %.")


class LimitsEntry(_Entry):
    """What the owner says must not happen. A preview refuses what breaks a limit and is worse than the live state."""

    single_phase_amps: Amps | None = Field(
        None, description="Most A on a line when every point charges a one-phase car, building included."
    )
    three_phase_amps: Amps | None = Field(
        None, description="Most A on a line when every point charges a three-phase car, building included."
    )
    full_imbalance_amps: Amps | None = Field(
        None, description="Most A between two lines when every point charges one-phase."
    )
    worst_imbalance_amps: Amps | None = Field(
        None, description="Most A between two lines when some points charge one-phase and others are empty."
    )
    presets: list[str] = Field(
        default_factory=list,
        description="Rules that are told of a country, unverified; they only warn: " + ", ".join(PRESETS) + ".",
        json_schema_extra={"items": {"enum": list(PRESETS)}},
    )


class GroupEntry(_Entry):
    """A load-balancing group."""

    name: str = Field(min_length=1, max_length=60, description="Name of the group in this file.")
    group_id: int | None = Field(None, ge=1, description="Number of the group in Plugchoice; its fuse is compared.")
    parent: str | None = Field(None, description="Name of the group above it. Default: the first group, the root.")
    fuse_amps: Amps | None = Field(None, description="Fuse of the group, A per line. The root has the main fuse.")
    on_adopt: OnAdopt | None = Field(None, description=_ON_ADOPT)
    on_destroy: OnDestroy | None = Field(None, description=_ON_DESTROY)


class Defaults(_Entry):
    """What holds for chargers and connectors that do not say otherwise."""

    group: str | None = Field(None, description="Group of a charger that names none. Default: the root.")
    breaker_amps: Amps | None = Field(None, description="Circuit breaker of a charger, A.")
    max_amperage: int | None = Field(
        None, ge=MIN_AMPERAGE, le=MAX_AMPERAGE, description="Maximum amperage of a managed connector, A per phase."
    )


class ConnectorEntry(_Entry):
    """A connector of a charger."""

    connector_id: int = Field(ge=1, description="OCPP connector number, 1 for the first.")
    phase_rotation: str | None = Field(
        None,
        description="Building lines (R, S, T are L1, L2, L3) that feed terminals L1, L2, L3, as it is wired. "
        "Left out: not managed.",
        json_schema_extra={"enum": [*PHASE_ROTATIONS]},
    )
    planned_rotation: str | None = Field(
        None,
        description="What it is to be wired to; for the installer, applied to nothing.",
        json_schema_extra={"enum": [*PHASE_ROTATIONS]},
    )
    max_amperage: int | None = Field(
        None, ge=MIN_AMPERAGE, le=MAX_AMPERAGE, description="Maximum amperage, A per phase. Left out: not managed."
    )
    managed: bool = Field(True, description="false: left alone; counted with its live values.")  # noqa: FBT003
    on_adopt: OnAdopt | None = Field(None, description=_ON_ADOPT)
    on_destroy: OnDestroy | None = Field(None, description=_ON_DESTROY)


class ChargerEntry(_Entry):
    """A charger, named by its OCPP identity or by its UUID."""

    label: str | None = Field(None, description="For people; may change at any time.")
    identity: str | None = Field(None, min_length=1, max_length=45, description="OCPP identity.")
    uuid: str | None = Field(None, pattern=_UUID, description="UUID in Plugchoice, in place of the identity.")
    group: str | None = Field(None, description="Name of its group. Default: defaults.group, or the root.")
    breaker_amps: Amps | None = Field(None, description="Its circuit breaker, A.")
    max_current: Amps | None = Field(None, description="What the charger is made for, A per phase.")
    ac_input_amps: Amps | None = Field(None, description="What a DC charger takes, A per line.")
    rewirable: bool = Field(True, description="false: a plan leaves it as it is wired.")  # noqa: FBT003
    connectors: list[ConnectorEntry] = Field(min_length=1, description="Its connectors.")

    @property
    def key(self) -> str:
        """What the charger is called in the stack: its identity, or its UUID in lower case."""
        return self.identity or (self.uuid or "").lower()


class SiteFile(_Entry):
    """A site."""

    site: str = Field(pattern=_UUID, description="UUID of the site (location) in Plugchoice.")
    label: str | None = Field(None, description="For people; may change at any time.")
    supply: Supply = Field(description="What feeds the site.")
    building_peak_amps: LineAmps | None = Field(
        None, description="What the building draws at its peak without chargers, A per line: where and when measured?"
    )
    limits: LimitsEntry = Field(default_factory=LimitsEntry, description="What the owner says must not happen.")
    groups: list[GroupEntry] = Field(
        default_factory=list, description="Load-balancing groups; the first is the root, with the main fuse."
    )
    defaults: Defaults = Field(default_factory=Defaults, description="What holds where nothing else is said.")
    chargers: list[ChargerEntry] = Field(min_length=1, description="The chargers.")
    on_adopt: OnAdopt | None = Field(None, description=_ON_ADOPT)
    on_destroy: OnDestroy | None = Field(None, description=_ON_DESTROY)

    @property
    def has_neutral(self) -> bool:
        """As declared, or as the kind of net has it."""
        neutral = self.supply.neutral
        return self.supply.net_type != "IT" if neutral is None else neutral

    @property
    def all_groups(self) -> list[GroupEntry]:
        """The groups, the root first; a file without any has one called `main`."""
        return self.groups or [GroupEntry(name="main")]

    @property
    def root(self) -> GroupEntry:
        """The group with the main fuse."""
        return next(group for group in self.all_groups if group.parent is None)

    def group_of(self, charger: ChargerEntry) -> str:
        """Name of a charger's group."""
        return charger.group or self.defaults.group or self.root.name

    def breaker_of(self, charger: ChargerEntry) -> int | None:
        """A of its circuit breaker, or None when it is not said."""
        return charger.breaker_amps or self.defaults.breaker_amps

    def amps_of(self, charger: ChargerEntry, connector: ConnectorEntry) -> int | None:
        """A per phase that a connector is declared with; None: not managed. DC chargers take no default."""
        if connector.max_amperage is not None or not connector.managed or charger.ac_input_amps is not None:
            return connector.max_amperage
        return self.defaults.max_amperage

    def on_adopt_of(self, charger: ChargerEntry, connector: ConnectorEntry) -> OnAdopt:
        """What holds for a connector: its own word, its group's or one above, the site's, or the default."""
        own = [connector.on_adopt, *(group.on_adopt for group in self._groups_above(charger)), self.on_adopt]
        return next((word for word in own if word is not None), "overwrite")

    def on_destroy_of(self, charger: ChargerEntry, connector: ConnectorEntry) -> OnDestroy:
        """Likewise."""
        own = [connector.on_destroy, *(group.on_destroy for group in self._groups_above(charger)), self.on_destroy]
        return next((word for word in own if word is not None), "retain")

    def _groups_above(self, charger: ChargerEntry) -> Iterator[GroupEntry]:
        by_name = {group.name: group for group in self.all_groups}
        group: GroupEntry | None = by_name[self.group_of(charger)]
        while group is not None:
            yield group
            group = by_name[group.parent] if group.parent else None


class SiteFileError(PlugchoiceError):
    """A site file has mistakes.

    Attributes:
        problems: all of them, a line each, in the order of the file.
    """

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{problems[0]}{more}")


def load_site(path: str | Path) -> SiteFile:
    """The site in a file.

    Raises:
        SiteFileError: it cannot be read, or has mistakes; all of them are listed.
    """
    shown = printable(path, 200)
    source = _text_of(Path(path), shown)
    document = parse(source)
    found = [(place.line, place.column, _line(path_, text)) for place, path_, text in document.problems]
    site = None
    if document.is_whole and document.data is None and not found:
        found.append((1, 1, "the file is empty: it needs site, supply and chargers"))
    elif document.is_whole:
        # A value that was refused already is None, which is not to be refused again.
        refused = {path_ for _, path_, _ in document.problems}
        site, mistakes = _judge(document.data)
        found += [
            (*_where(document, place, is_key=is_key), _line(place, _as_written(text, place, document, source)))
            for place, text, is_key in mistakes
            if place not in refused
        ]
    if found or site is None:
        lines = [f"{shown}:{line}:{column}: {text}" for line, column, text in sorted(found)]
        raise SiteFileError(lines[: MOST_PROBLEMS + 1])
    return site


def site_from(definition: Mapping[str, Any], where: str) -> SiteFile:
    """The same from Python objects: dicts, lists, text, numbers, booleans.

    Args:
        definition: as a site file would be read.
        where: what messages call it.

    Raises:
        SiteFileError: it has mistakes; all of them are listed.
    """
    site, mistakes = _judge(definition)
    if site is None or mistakes:
        raise SiteFileError([f"{where}: {_line(place, text)}" for place, text, _ in mistakes])
    return site


def _as_written(text: str, path: tuple[str | int, ...], document: Document, source: str) -> str:
    """The advice to quote a number, with the number as it stands in the file: 1.50 is not 1.5."""
    place = document.values.get(path)
    if place is None or _QUOTE not in text:
        return text
    written = printable(source[place.start : place.end], 60)
    return f'should be text, and is the number {written}{_QUOTE}"{written}"'


def _text_of(path: Path, shown: str) -> str:
    try:
        if path.is_dir():
            raise SiteFileError([f"{shown}: is a folder: name the site file in it"])
        if path.stat().st_size > MOST_BYTES:
            raise SiteFileError([f"{shown}: is larger than {MOST_BYTES >> 20} MiB, which no site file is: wrong file?"])
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        beside = sorted(item.name for item in path.parent.glob("*.y*ml")) if path.parent.is_dir() else []
        has = f"{path.parent} has {', '.join(printable(name, 60) for name in beside[:10])}" if beside else "make it"
        raise SiteFileError([f"{shown}: there is no such file; {has}"]) from None
    except UnicodeDecodeError as error:
        raise SiteFileError([f"{shown}: is not UTF-8 text (byte {error.start + 1}): save it as UTF-8"]) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise SiteFileError([f"{shown}: cannot be read ({printable(why, 100)})"]) from None


Mistake = tuple[tuple["str | int", ...], str, bool]


def _where(document: Document, path: tuple[str | int, ...], *, is_key: bool) -> tuple[int, int]:
    place = document.keys.get(path) if is_key else None
    place = place or document.place(path)
    return place.line, place.column


def _line(path: tuple[str | int, ...], text: str) -> str:
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{printable(part, 60)}" for part in path).lstrip(".")
    return f"{name}: {text}" if name else text


def _judge(data: Any) -> tuple[SiteFile | None, list[Mistake]]:
    """The site in parsed data, and all that is wrong with it."""
    if not hasattr(data, "items"):
        return None, [
            ((), f"a site file is a mapping (site: …, supply: …, chargers: …), and this is {_kind(data)}", False)
        ]
    mistakes: list[Mistake] = []
    site = None
    try:
        site = SiteFile.model_validate(data)
    except ValidationError as error:
        mistakes += [_mistake(item) for item in error.errors(include_url=False)]
    known = {place for place, _, _ in mistakes}
    mistakes += [item for item in _across(data) if item[0] not in known]
    return (None if mistakes else site), mistakes


def _mistake(item: Mapping[str, Any]) -> Mistake:
    """A finding of pydantic in our words."""
    path, kind, given = tuple(item["loc"]), item["type"], item["input"]
    name = str(path[-1]) if path else ""
    if kind == "extra_forbidden":
        known = list(_model_at(path[:-1]).model_fields)
        close = difflib.get_close_matches(name, known, n=1)
        meant = f"did you mean {close[0]}? " if close else ""
        return path, f"unknown key; {meant}Known here: {', '.join(known)}", True
    field = _model_at(path[:-1]).model_fields.get(name)
    wanted = (field.description or "") if field else ""
    if kind == "missing":
        return path, f"is missing. {wanted}".strip(), False
    context = item.get("ctx", {})
    if kind == "too_short":
        return path, "is empty: give at least one", False
    if name in ("site", "uuid") and kind in ("string_pattern_mismatch", "string_type"):
        return path, f"{_shown(given)} is not a UUID such as 0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7", False
    text = _type_mistake(kind, given) or _range_mistake(kind, given, context, wanted)
    return path, text or printable(item["msg"], 200), False


_QUOTE: Final = ": put it in quotes, "


def _type_mistake(kind: str, given: Any) -> str | None:
    if kind == "string_type":
        how = f'{_QUOTE}"{printable(given, 40)}"' if isinstance(given, int | float) else ""
        return f"should be text, and is {_kind(given)}{how}"
    wanted = _WANTED_TYPES.get(kind)
    return f"should be {wanted}, and is {_kind(given)}" if wanted else None


_WANTED_TYPES: Final = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "bool_type": "true or false",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
    "dict_type": "a mapping (key: value)",
    "list_type": "a list (lines that begin with a dash)",
}


def _range_mistake(kind: str, given: Any, context: Mapping[str, Any], wanted: str) -> str | None:
    if kind in ("greater_than_equal", "less_than_equal"):
        bound = f"at least {context['ge']}" if kind == "greater_than_equal" else f"at most {context['le']}"
        return f"{_shown(given)} is out of range: {bound}. {wanted}".strip()
    if kind == "literal_error":
        return f"{_shown(given)} is not allowed: {context['expected']}"
    if kind == "string_too_long":
        return f"{_shown(given)} is too long: at most {context['max_length']} characters"
    return "is empty" if kind == "string_too_short" else None


def _model_at(path: tuple[str | int, ...]) -> type[BaseModel]:
    model: type[BaseModel] = SiteFile
    for part in path:
        model = PARTS.get(str(part), model)
    return model


#: The models by the key that they stand under.
PARTS: Final[dict[str, type[BaseModel]]] = {
    "supply": Supply,
    "building_peak_amps": LineAmps,
    "limits": LimitsEntry,
    "groups": GroupEntry,
    "defaults": Defaults,
    "chargers": ChargerEntry,
    "connectors": ConnectorEntry,
}


def _kind(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"the number {printable(value, 40)}"
    if isinstance(value, str):
        return f"the text {_shown(value)}"
    if hasattr(value, "items"):
        return "a mapping"
    # An output of Pulumi, say, whose value the program does not know yet.
    return "a list" if isinstance(value, list | tuple) else f"of type {type(value).__name__}"


def _shown(value: Any) -> str:
    return printable(repr(value), 60)


# ---------------------------------------------------------------- what no single value shows


def _across(data: Mapping[str, Any]) -> Iterator[Mistake]:
    """Mistakes between values. Looks at data that may be wrong in other ways, and passes over what it cannot read."""
    names = yield from _about_groups(data)
    supply = data.get("supply")
    if isinstance(supply, dict) and supply.get("net_type") == "IT" and supply.get("neutral") is True:
        yield ("supply", "neutral"), "an IT net has no neutral: leave it out, or correct net_type", False
    presets = _part(data, "limits").get("presets")
    for place, preset in enumerate(presets if isinstance(presets, list) else ()):
        if isinstance(preset, str) and preset not in PRESETS:
            yield ("limits", "presets", place), f"{_shown(preset)} is not a preset: {', '.join(PRESETS)}", False
    defaults = _part(data, "defaults")
    if isinstance(defaults.get("group"), str) and defaults["group"] not in names:
        yield ("defaults", "group"), _no_group(defaults["group"], names), False
    seen: dict[str, int] = {}
    for place, charger in _entries(data, "chargers"):
        path = ("chargers", place)
        yield from _about_charger(charger, path, names, seen)
        for number, connector in _entries(charger, "connectors"):
            yield from _about_connector(connector, (*path, "connectors", number), charger, defaults)


def _part(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _entries(data: Mapping[str, Any], key: str) -> list[tuple[int, dict[str, Any]]]:
    items = data.get(key)
    return (
        [(place, item) for place, item in enumerate(items) if isinstance(item, dict)] if isinstance(items, list) else []
    )


def _no_group(name: str, names: list[str]) -> str:
    return (
        f"{_shown(name)} is no group of this file: {', '.join(printable(known, 60) for known in dict.fromkeys(names))}"
    )


def _about_groups(data: Mapping[str, Any]) -> Generator[Mistake, None, list[str]]:
    """Returns the names of the groups."""
    entries = _entries(data, "groups")
    names: list[str] = []
    parents: dict[str, Any] = {}
    for place, group in entries:
        name = group.get("name")
        if not isinstance(name, str):
            continue
        if printable(name, 100) != name:
            yield ("groups", place, "name"), f"{_shown(name)} has blanks or control characters around or in it", False
        if name in names:
            yield ("groups", place, "name"), f"group {_shown(name)} is there twice: give each its own name", False
        names.append(name)
        parents.setdefault(name, group.get("parent") if place else None)
        if place == 0 and group.get("parent") is not None:
            yield ("groups", 0, "parent"), "the first group is the root and has no parent", False
        if place > 0 and group.get("parent") is None:
            yield (
                ("groups", place, "name"),
                f"group {_shown(name)} has no parent, and only the first group is the root: name the group above it",
                False,
            )
    for place, group in entries:
        parent = group.get("parent")
        if isinstance(parent, str) and parent not in names:
            yield ("groups", place, "parent"), _no_group(parent, names), False
        elif place > 0 and names.count(str(group.get("name"))) == 1 and _is_round(str(group["name"]), parents):
            yield ("groups", place, "parent"), f"group {_shown(group['name'])} hangs below itself", False
    yield from _about_fuses(data, entries)
    return list(dict.fromkeys(names)) or ["main"]


def _about_fuses(data: Mapping[str, Any], entries: list[tuple[int, dict[str, Any]]]) -> Iterator[Mistake]:
    """The root's fuse, and groups of Plugchoice that stand for two."""
    root = dict(entries).get(0, {})
    if root.get("fuse_amps") not in (None, _part(data, "supply").get("main_fuse_amps")):
        yield ("groups", 0, "fuse_amps"), "the root has the main fuse, supply.main_fuse_amps: leave it out", False
    ids: dict[int, str] = {}
    for place, group in entries:
        number = group.get("group_id")
        if isinstance(number, int) and number in ids:
            yield ("groups", place, "group_id"), f"{number} is the number of group {_shown(ids[number])} already", False
        elif isinstance(number, int):
            ids[number] = str(group.get("name"))


def _is_round(name: str, parents: Mapping[str, Any]) -> bool:
    above, steps = parents.get(name), 0
    while isinstance(above, str) and above != name and steps <= len(parents):
        above, steps = parents.get(above), steps + 1
    return above == name


def _about_charger(
    charger: Mapping[str, Any], path: tuple[str | int, ...], names: list[str], seen: dict[str, int]
) -> Iterator[Mistake]:
    identity, uuid = charger.get("identity"), charger.get("uuid")
    if identity is None and uuid is None:
        yield path, "neither identity nor uuid is given: name the charger by one of them", False
    if identity is not None and uuid is not None:
        yield (*path, "uuid"), "both identity and uuid are given: keep one", False
    if isinstance(identity, str):
        problem = judge("charger", identity)
        if is_uuid(identity):
            yield (*path, "identity"), "this is a UUID: write uuid in the place of identity", False
        elif problem and len(identity) <= 45:
            yield (*path, "identity"), problem.text, False
    for name, given in (("identity", identity), ("uuid", uuid)):
        if not isinstance(given, str):
            continue
        key = given.lower() if name == "uuid" else given
        if key in seen:
            text = f"{_shown(given)} is chargers[{seen[key]}] already: keep one, with all connectors"
            yield (*path, name), text, False
        seen.setdefault(key, int(path[1]))
    group = charger.get("group")
    if isinstance(group, str) and group not in names:
        yield (*path, "group"), _no_group(group, names), False
    numbers: list[Any] = []
    for place, connector in _entries(charger, "connectors"):
        number = connector.get("connector_id")
        if number in numbers:
            yield (*path, "connectors", place, "connector_id"), f"{number} is there twice: give each its own", False
        numbers.append(number)


def _about_connector(
    connector: Mapping[str, Any], path: tuple[str | int, ...], charger: Mapping[str, Any], defaults: Mapping[str, Any]
) -> Iterator[Mistake]:
    rotations = {}
    for name in ("phase_rotation", "planned_rotation"):
        value = connector.get(name)
        if not isinstance(value, str):
            continue
        problem = judge("phase_rotation", value)
        if problem:
            yield (*path, name), problem.text, False
        else:
            rotations[name] = value
    if len(rotations) == 2 and rotations["planned_rotation"] not in _turns(rotations["phase_rotation"]):
        now, planned = rotations["phase_rotation"], rotations["planned_rotation"]
        turns = " or ".join(_turns(now)[1:])
        text = f"{planned} is no turn of {now}: {turns} keep the field direction and the number of lines"
        yield (*path, "planned_rotation"), text, False
    if "planned_rotation" in rotations and connector.get("phase_rotation") is None:
        yield (*path, "planned_rotation"), "a plan needs phase_rotation, as it is wired now", False
    is_managed = connector.get("managed", True)
    settings = [name for name in ("phase_rotation", "max_amperage") if connector.get(name) is not None]
    if is_managed is False and settings:
        yield (*path, "managed"), f"managed: false, and {settings[0]} is given: a connector is one or the other", False
    has_default = defaults.get("max_amperage") is not None and charger.get("ac_input_amps") is None
    if is_managed is True and not settings and not has_default:
        yield path, "neither phase_rotation nor max_amperage is given: give one, or managed: false", False


def _turns(rotation: str) -> list[str]:
    return [shift_rotation(rotation, step) for step in range(3)]
