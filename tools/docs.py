"""Writes the generated parts of the docs: pages and tables of the reference, command help, faults, a schema, a picture.

    python tools/docs.py           # write
    python tools/docs.py --check   # fail when something is not current

Generated text stands between `<!-- generated: NAME -->` and `<!-- /generated -->`. Pages that are generated as a whole
are listed in `PAGES`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from docs_site import list_missing_pages
from pulumi_plugchoice._version import __version__
from pulumi_plugchoice.config import OPTIONS
from pulumi_plugchoice.fleet.workflows import make_requirements
from pulumi_plugchoice.review.svg import draw_amps_per_line
from pulumi_plugchoice.sitefile.load import load_site
from pulumi_plugchoice.sitefile.plan import plan_rotation
from pulumi_plugchoice.sitefile.schema import SCHEMA_FILE, schema_text
from reference import commands, python_api, resources, site_file
from reference.tables import code, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT: Final = Path(__file__).resolve().parent.parent
REFERENCE: Final = ROOT / "docs" / "reference"
#: Where parts of a page are generated.
FILES: Final = (
    "docs/explanation/reliability.md",
    *(f"docs/reference/{name}.md" for name in ("cli", "connector", "exit-statuses", "options", "site")),
)
_MARKED: Final = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- /generated -->)", re.DOTALL)


def options() -> str:
    """All options, with their values and defaults."""
    heads = ["Environment (wins)", "Stack config", "Values", "Default", "Meaning"]
    rows = [
        [
            code(option.environment),
            f"{code(option.config)}{' (secret)' if option.secret else ''}" if option.config else "",
            option.allowed,
            option.default or "not set",
            option.help,
        ]
        for option in OPTIONS
    ]
    return table(heads, rows)


def faults() -> str:
    """The table of faults, from the data of its tests."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support.matrix import table as make_table

    return make_table()


def picture() -> str:
    """The README's picture of a plan."""
    plan = plan_rotation(load_site(ROOT / "examples" / "site" / "sites" / "depot.yaml"))
    return draw_amps_per_line("Depot, nine bays: amps per line", plan.before, plan.after)


def messages() -> str:
    """The list of messages."""
    command = [sys.executable, str(ROOT / "tools" / "messages.py"), "--markdown"]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout


GENERATORS: Final[dict[str, Callable[[], str]]] = {
    "options": options,
    "commands": commands.commands,
    "statuses": commands.statuses,
    "faults": faults,
    **resources.GENERATORS,
}
PAGES: Final[dict[Path, Callable[[], str]]] = {
    SCHEMA_FILE: schema_text,
    **{ROOT / "examples" / name / "sites" / SCHEMA_FILE.name: schema_text for name in ("site", "gitops")},
    ROOT / "examples" / "gitops" / "requirements.txt": make_requirements,
    ROOT / "docs" / "depot.svg": picture,
    REFERENCE / "messages.md": messages,
    REFERENCE / "python.md": python_api.render,
    REFERENCE / "site-file.md": site_file.render,
}


def generated() -> Iterator[tuple[Path, str]]:
    """Every file with a generated part, and the text that it should have."""
    for name in FILES:
        file = ROOT / name
        text = file.read_text(encoding="utf-8")
        yield file, _MARKED.sub(lambda match: f"{match[1]}{GENERATORS[match[2]]()}\n{match[3]}", text)
    for page, render in PAGES.items():
        yield page, render()


def main() -> int:
    """Write the files, or count those that are not current."""
    check = "--check" in sys.argv[1:]
    stale = []
    for file, text in generated():
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            stale.append(str(file.relative_to(ROOT)))
            if not check:
                file.write_text(text, encoding="utf-8")
    if f"## {__version__}" not in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"):
        stale.append(f"CHANGELOG.md (no entry for {__version__})")
    verb = "is not current; run `make docs`" if check else "written"
    for name in stale:
        print(f"{name} {verb}")
    missing = list_missing_pages()
    print(*missing, sep="\n", end="\n" if missing else "")
    return len(stale) + len(missing) if check else 0


if __name__ == "__main__":
    sys.exit(main())
