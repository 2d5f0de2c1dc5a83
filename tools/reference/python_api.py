"""docs/reference/python.md: the public names with their signatures and docstrings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import griffe

from .docstrings import PACKAGE, find, list_public, load_package, read_items, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The parts of the page: the module, its heading, what is said first, and its names; None: all public ones.
_RESOURCES: Final = ("ChargerConnector", "ChargingSite", "PhaseBalance", "Adopted")
_READING: Final = ("get_connector", "get_site_connectors", "Connector", "SiteConnector")
_FILES: Final = ("load_site", "plan_rotation", "SiteFile", "SiteFileError", "FileMistake", "Mistake")
_VALUES: Final = ("PHASE_ROTATIONS", "PhaseRotation", "OnAdopt", "OnDestroy")
_INTRO: Final = """\
# Python API

Made from the docstrings. What is not on this page is internal, and can change in any release. Signatures show types as
they stand in the source; `pulumi.Input[X]` takes an `X` or an output of another resource.
"""
_MODULES: Final = {
    "electrical.rotations": "Phase rotations. Plain functions, without I/O.",
    "electrical.figures": "Amps per building line. Plain functions, without I/O; "
    "[electrical.md](../explanation/electrical.md) explains what is counted.",
    "electrical.limits": "The owner's limits.",
    "electrical.planner": "Which chargers to rewire.",
    "emulator.testing": "A local Plugchoice for your own tests; needs the extra `emulator`. "
    "[testing.md](../how-to/testing.md) shows how to use it.",
}


def render() -> str:
    """The page."""
    parts = [_INTRO.rstrip()]
    public = [name for name in list_public(load_package()) if name != "__version__"]
    typed_dicts = [name for name in public if name.endswith("Definition")]
    figures = [name for name in ("Figures", "GroupFigures", "Plan", "Visit") if name in public]
    for heading, text, names in (
        ("Resources", "Inputs and outputs in tables: [connector.md](connector.md), [site.md](site.md).", _RESOURCES),
        ("Read live connectors", "Nothing that they return enters the state.", _READING),
        ("Site files", "The attributes of a `SiteFile` are the keys of a file: [site-file.md](site-file.md).", _FILES),
        ("Figures and plans", "What `plan_rotation` and the modules below return.", figures),
        ("Values", "", _VALUES),
        ("Site files as dicts", "The types of `ChargingSite(definition=…)`.", typed_dicts),
    ):
        parts += [f"## {heading}", *filter(None, [text]), *(_describe(name, name) for name in names)]
    shown = {*_RESOURCES, *_READING, *_FILES, *_VALUES, *figures, *typed_dicts, "PlugchoiceError"}
    if missing := set(public) - shown:
        raise ValueError(f"python.md has no place for {', '.join(sorted(missing))}; add it to {__name__}")
    parts += ["## Errors", f"Module `{PACKAGE}.errors`.", _tree()]
    parts += [_describe(f"errors.{name}", name) for name in list_public(find("errors"))]
    for module, text in _MODULES.items():
        parts += [f"## `{PACKAGE}.{module}`", text]
        names = list_public(find(module))
        parts += [_describe(f"{module}.{name}", name) for name in names if name not in figures]
    return "\n\n".join(parts) + "\n"


def _tree() -> str:
    text = cast("griffe.Docstring", find("errors").docstring).value
    lines = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    return "\n".join(["```text", *lines, "```"])


def _describe(path: str, name: str) -> str:
    """One name: its signature, its text, its arguments or attributes, what it returns and raises."""
    item = find(path)
    # The tree shows the bases of the errors.
    signature = "" if path.startswith("errors.") else f"```python\n{_sign(item, name)}\n```"
    parts = [f"### `{name}`", signature, read_text(item)]
    start = item.members.get("__init__") if item.is_class else None
    sections = [item] if start is None or start.is_alias else [cast("griffe.Object", start), item]
    for source in sections:
        parts += _list_sections(source)
    if item.is_class:
        for method in _methods(item):
            parts += [f"#### `{name}.{method.name}`", *_describe_method(method)]
    return "\n\n".join(part for part in parts if part)


def _describe_method(method: griffe.Object) -> Iterator[str]:
    if method.is_function:
        yield f"```python\n{_sign(method, method.name)}\n```"
    yield read_text(method)
    yield from _list_sections(method)


def _list_sections(item: griffe.Object) -> Iterator[str]:
    for kind, heading in (
        ("parameters", "Arguments"),
        ("attributes", "Attributes"),
        ("returns", "Returns"),
        ("raises", "Raises"),
    ):
        lines = []
        for name, annotation, text in read_items(item, kind):
            if kind == "returns":
                lines.append(f"- {text}")
            elif kind == "raises" or annotation in {"", name}:
                lines.append(f"- `{name}`: {text}")
            else:
                lines.append(f"- `{name}` (`{annotation}`): {text}")
        if lines:
            yield "\n".join([f"**{heading}**", "", *lines])


def _methods(item: griffe.Object) -> Iterator[griffe.Object]:
    """The public methods and properties that have a docstring, in the order of the source."""
    for name, member in item.members.items():
        if name.startswith("_") or member.is_alias or member.docstring is None:
            continue
        if member.is_function or "property" in member.labels:
            yield cast("griffe.Object", member)


def _sign(item: griffe.Object, name: str) -> str:
    """A signature in one or more lines, as the formatter would write it."""
    if isinstance(item, griffe.Attribute):
        typed = f"{name}: {item.annotation}" if item.annotation else name
        line = typed if item.value is None else f"{typed} = {_quote(item.value)}"
        return line if len(line) <= 120 or not item.annotation else typed
    if isinstance(item, griffe.Class):
        start = item.members.get("__init__")
        is_error = any(str(base).endswith(("Error", "Exception", "NotFound")) for base in item.bases)
        if not isinstance(start, griffe.Function) or is_error:
            bases = ", ".join(map(str, item.bases))
            return f"class {name}({bases})" if bases else f"class {name}"
        return _wrap(f"class {name}", _parameters(start), "")
    function = cast("griffe.Function", item)
    ending = f" -> {function.returns}" if function.returns is not None else ""
    return _wrap(name, _parameters(function), ending)


def _parameters(function: griffe.Function) -> list[str]:
    parts: list[str] = []
    for parameter in function.parameters:
        if parameter.name in {"self", "cls"}:
            continue
        is_rest = parameter.kind is griffe.ParameterKind.var_keyword
        if parameter.kind is griffe.ParameterKind.keyword_only and "*" not in parts:
            parts.append("*")
        text = f"{'**' if is_rest else ''}{parameter.name}"
        text += f": {parameter.annotation}" if parameter.annotation else ""
        parts.append(text if parameter.default is None or is_rest else f"{text} = {_quote(parameter.default)}")
    return parts


def _quote(value: object) -> str:
    """With double quotes, as the formatter writes them."""
    text = str(value)
    return text if '"' in text else text.replace("'", '"')


def _wrap(start: str, parts: list[str], ending: str) -> str:
    line = f"{start}({', '.join(parts)}){ending}"
    if len(line) <= 90:
        return line
    return "\n".join([f"{start}(", *(f"    {part}," for part in parts), f"){ending}"])
