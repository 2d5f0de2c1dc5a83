"""Lists the messages that users see, read from the source code.

    python tools/messages.py            # print: module, message
    python tools/messages.py FOLDER     # the same for another checkout's `provider` folder, to compare
    python tools/messages.py --markdown # docs/reference/messages.md, which `make docs` writes

A message is any text of two words, or of a word and a value, that is not a docstring of the code. `{name}` stands for
a value, `[a|b]` for a choice. The emulator's API answers are left out: they repeat the answers of Plugchoice.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent

_EMULATOR: Final = {"banner.py", "server.py", "seed.py", "seeding.py", "testing.py"}
_COMMAND: Final = {"command", "group"}
# Not for people: regular expressions, type expressions, values of a seed.
_NOT_PROSE: Final = {"compile", "cast", "TypeVar", "ParamSpec", "sub", "startswith", "endswith", "removeprefix"}
_DEFAULTS: Final = {"default", "default_factory"}
# SVG, CSS, a page's policy, SQL, Python, HTTP, types.
_CODE: Final = re.compile(
    r"\s*(<|[A-Z]{5,} |small (soft|over|value)|line before$|title desc$|light dark$|\.\s|@media|default-src"
    r'|; script-src|[\w-]+=|Bearer |SITE |"""|from pulumi|import |pulumi-python:|[\w.]+\[.*\]$)'
)
_MARKUP: Final = re.compile(r"\[/?(dim|bold)\]")  # of rich
_WORDS: Final = re.compile(r"[A-Za-z]{2,}[,;:.)']*\s+(an? )?\(?[A-Za-z]{2,}|[A-Za-z]{2,}\s+[-\d(\"'`]|^\d+ [a-z]{3,}$")
_WORD: Final = re.compile(r"[A-Za-z]{3,}[,;:.)']*\s|\s\(?[A-Za-z]{3,}")  # is enough beside a value
_INTRO: Final = """\
# Messages

The texts that the provider, the command `plugchoice` and the emulator's command show, made from the source code by
`tools/messages.py`. `{name}` stands for a value, `[a|b]` for a choice. Search the page for a part of the line without
values.

## Errors and warnings with a remedy

A line is `where: what is wrong; what to do`. The two parts stand side by side here.
"""
_OTHERS: Final = """\
## Other texts

Facts, questions, help texts, and parts of the lines above.
"""
#: Functions that only format a value: its placeholder is that of their argument.
_FORMATS: Final = re.compile(
    r"escape|get|join|len|list_some|printable|quote|repr|round|shorten|show(_path|_values?)?|sorted|str|to_markdown"
)
#: The first word of what to do. After another word, the part after the semicolon is a fact.
_REMEDY: Final = re.compile(
    r"('pulumi|'plugchoice|add|allowed:|ask|check|commit|copy|correct|declare|did|edit|fetch|find|for|free|give|go|import"
    r"|indent|install|keep|leave|let|load|look|make|merge|move|name|open|please|put|read|redirect|remove|rename|repeat"
    r"|review|run:?|save|see|set|shorten|start|take|then|try|unset|use|wait|with|write) "
)


#: The texts that the module at hand keeps under a name, such as what to do after several errors.
_CONSTANTS: Final[dict[str, str]] = {}


@dataclass(frozen=True, order=True)
class Message:
    """One text.

    Attributes:
        module: path below the package, as in `api/auth.py`.
        line: where it stands.
        text: on one line, with `{name}` for values.
    """

    module: str
    line: int
    text: str


class _Module(ast.NodeVisitor):
    """Collects the messages of one module."""

    def __init__(self, module: str, tree: ast.Module) -> None:
        self.module = module
        _CONSTANTS.clear()
        for statement in tree.body:
            target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
            if isinstance(target, ast.Name) and target.id.isupper() and not target.id.startswith("DEFAULT"):
                text = _text(getattr(statement, "value", None) or target)
                if text and _WORD.search(text):
                    _CONSTANTS[target.id] = text
        self.found: list[Message] = []
        self._docstrings: set[int] = set()

    def visit(self, node: ast.AST) -> None:
        """Go down, and remember what takes the texts below."""
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            self._take_docstring(node)
        if isinstance(node, ast.Call) and _name(node.func) == "say":
            for word in node.keywords:
                if word.arg == "kind":  # often one word: it is shown when lines are left out
                    self._add(word.value)
        if not self._is_done(node):
            self.generic_visit(node)

    def _is_done(self, node: ast.AST) -> bool:
        """Whether there is nothing to look at below the node."""
        if isinstance(node, ast.JoinedStr | ast.Constant | ast.BinOp | ast.Call) and self._take(node):
            return True
        return _is_data(node)

    def _take(self, node: ast.JoinedStr | ast.Constant | ast.BinOp | ast.Call) -> bool:
        """Whether the node is a whole text (then there is nothing below it to look at)."""
        text = _text(node)
        if text is None:
            return False
        plain = re.sub(r"\{[^}]*\}", " ", text)
        words = _WORDS if plain == text else _WORD
        if id(node) not in self._docstrings and not _CODE.match(plain) and words.search(plain):
            self._add(node)
        return True

    def _add(self, node: ast.expr) -> None:
        text = _MARKUP.sub("", _text(node) or "")
        if text:
            self.found.append(Message(self.module, node.lineno, " ".join(text.split())))

    def _take_docstring(self, node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            self._docstrings.add(id(first.value))
        text = ast.get_docstring(node)
        is_command = any(
            isinstance(item, ast.Call) and _name(item.func) in _COMMAND for item in getattr(node, "decorator_list", ())
        )
        is_help = is_command or (isinstance(node, ast.ClassDef) and _is_schema(node))
        if text and is_help and not isinstance(node, ast.Module):
            self.found.append(Message(self.module, node.lineno, " ".join(text.split())))


def _is_data(node: ast.AST) -> bool:
    """Whether the node holds no prose, such as the default of a field in the emulator's seed."""
    if isinstance(node, ast.keyword):
        return node.arg in _DEFAULTS
    if isinstance(node, ast.Call):
        return _name(node.func) in _NOT_PROSE
    return (
        isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Constant) and _name(node.annotation) != "Final"
    )


def _is_schema(node: ast.ClassDef) -> bool:
    """Whether the class becomes a part of the JSON Schema, with its docstring."""
    return any(
        isinstance(item, ast.Call) and any(word.arg == "description" for word in item.keywords)
        for statement in node.body
        for item in ast.walk(statement)
    )


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.expr) -> str | None:
    """The text that an expression gives, or None when it is none."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(value) or "" for value in node.values)
    if isinstance(node, ast.FormattedValue):
        if isinstance(node.value, ast.Name) and node.value.id in _CONSTANTS:
            return _CONSTANTS[node.value.id]
        value = _text(node.value) if isinstance(node.value, ast.IfExp | ast.BoolOp) else _count(node.value)
        if value is None:
            value = f"{{{_placeholder(node.value)}}}"
        return f"'{value}'" if node.conversion == ord("r") else value
    if isinstance(node, ast.IfExp):
        one, other = _text(node.body), _text(node.orelse)
        return None if one is None and other is None else f"[{one or _hole(node.body)}|{other or _hole(node.orelse)}]"
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        last = _text(node.values[-1])
        return None if last is None else f"[{_text(node.values[0]) or _hole(node.values[0])}|{last}]"
    if isinstance(node, ast.Call) and _name(node.func) == "_file":
        return "; ".join(_text(part) or _hole(part) for part in node.args)
    if isinstance(node, ast.Call) and _name(node.func) in {"Mistake", "_find"} and len(node.args) > 2:
        # As Mistake.text: value, reason; suggestion.
        found, *parts = node.args[1:]
        start = _text(found) or _hole(found)
        return f"{start} ".lstrip() + "; ".join(_text(part) or _hole(part) for part in parts)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left), _text(node.right)
        return None if left is None and right is None else f"{left or _hole(node.left)}{right or _hole(node.right)}"
    return None


def _hole(node: ast.expr) -> str:
    return "" if isinstance(node, ast.Constant) else f"{{{_placeholder(node)}}}"


def _count(node: ast.expr) -> str | None:
    """What `plural` makes of a number and a noun."""
    if not isinstance(node, ast.Call) or _name(node.func) != "plural" or len(node.args) != 2:
        return None
    number, noun = node.args
    return f"{_hole(number) or _placeholder(number)} {_text(noun) or _hole(noun)}s"


def _placeholder(node: ast.expr) -> str:
    """A short name for a value in a text."""
    if isinstance(node, ast.Call):
        if node.args and _FORMATS.fullmatch(_name(node.func)):
            return _placeholder(node.args[0])
        return _name(node.func).strip("_")
    if isinstance(node, ast.GeneratorExp | ast.ListComp):
        return _placeholder(node.elt)
    if isinstance(node, ast.Subscript):
        return _placeholder(node.slice if isinstance(node.slice, ast.Constant) else node.value)
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "type" if _name(node) == "__name__" else _name(node) or "value"


def find_messages(provider: Path) -> list[Message]:
    """All messages, in the order of the files.

    Args:
        provider: the folder that holds the package.
    """
    package = provider / "pulumi_plugchoice"
    found: list[Message] = []
    for file in sorted(package.rglob("*.py")):
        module = file.relative_to(package).as_posix()
        if module.startswith("emulator/") and file.name not in _EMULATOR:
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        collector = _Module(module, tree)
        collector.visit(tree)
        # The same text may stand in a module more than once.
        found += {message.text: message for message in sorted(collector.found, reverse=True)}.values()
    return sorted(found)


def split_remedy(text: str) -> tuple[str, str]:
    """What is wrong, and what to do; the latter is empty when the message does not say it."""
    cause, mark, remedy = text.rpartition("; ")
    while mark:
        if _REMEDY.match(remedy):
            earlier, _ = split_remedy(cause)  # such as `give X; or give Y`
            return earlier, text[len(earlier) + 2 :]
        cause, mark, more = cause.rpartition("; ")
        remedy = f"{more}; {remedy}"
    return text, ""


def markdown(found: list[Message]) -> str:
    """docs/reference/messages.md."""
    lines = [_INTRO.rstrip(), "", "| What is wrong | What to do | Module |", "|---|---|---|"]
    folders: dict[str, list[Message]] = defaultdict(list)
    for message in found:
        cause, remedy = split_remedy(message.text.replace("`", "'"))
        is_help = message.text.endswith(".")  # no line ends with one
        if remedy and not is_help and _WORD.search(re.sub(r"\{[^}]*\}", " ", cause)):
            lines.append(f"| {_cell(cause)} | {_cell(remedy)} | `{message.module}` |")
        else:
            folders[message.module.rpartition("/")[0]].append(message)
    lines += ["", _OTHERS.rstrip()]
    for folder, items in sorted(folders.items()):
        heading = f"`{folder}/`" if folder else "The package"
        lines += ["", f"### {heading}", "", "| Message | Module |", "|---|---|"]
        lines += [f"| {_cell(item.text)} | `{item.module.rpartition('/')[2]}` |" for item in items]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return "`" + text.replace("|", "\\|").replace("`", "'") + "`"


def main(arguments: list[str]) -> None:
    if arguments == ["--markdown"]:
        sys.stdout.buffer.write(markdown(find_messages(ROOT / "provider")).encode())
        return
    found = find_messages(Path(arguments[0]) if arguments else ROOT / "provider")
    for message in found:
        print(f"{message.module}:{message.line}  {message.text}")
    print(f"{len(found)} messages", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
