"""Change the code that computes currents and writes settings, one place at a time, and see whether a test notices.

`make mutants` runs mutmut on each module below with the tests that are about it, prints the scores, and compares the
survivors with docs/explanation/evidence.md, which gives the reason for each. A survivor without a reason is an error,
and so is a reason without a survivor. ARGS are modules, as in `make mutants ARGS=electrical/figures.py`. A second run
tries what is new and what survived the first one; `rm -r build/mutants` lets it try all.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
WORK: Final = ROOT / "build" / "mutants"
MUTMUT: Final = ROOT / ".venv" / "bin" / "mutmut"
PYTHON: Final = ROOT / ".venv" / "bin" / "python"
REASONS: Final = ROOT / "docs" / "explanation" / "evidence.md"

#: The tests of each module: all of them for each mutant would take a day.
TESTS: Final = {
    "electrical/figures.py": ["unit/test_figures.py"],
    "electrical/groups.py": ["unit/test_limits.py"],
    "electrical/limits.py": ["unit/test_limits.py"],
    "electrical/planner.py": ["unit/test_planner.py"],
    "electrical/rotations.py": ["unit/test_rotations.py"],
    "electrical/search.py": ["unit/test_planner.py"],
    "electrical/settings.py": ["unit/test_writes.py"],
    "electrical/site_warnings.py": ["unit/test_limits.py"],
    "runtime/live.py": ["unit/test_live.py"],
    "runtime/writes.py": ["unit/test_writes.py"],
}
#: mutmut finds a package below `src`, and a change by its name; a failure is all that counts, so none is made smaller.
CONFIG: Final = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = ["src/pulumi_plugchoice/{module}"]
process_isolation = "forkserver"
timeout_constant = 3.0
pytest_add_cli_args = [
    "-p", "pytest_timeout", "-p", "_hypothesis_pytestplugin", "-p", "no:cacheprovider", "-p", "no:unraisableexception",
    "-m", "not slow", "--hypothesis-profile=mutants",
]
pytest_add_cli_args_test_selection = {tests}
"""
#: Prints the differences that mutants make. `mutmut show` does it for one, and takes a second.
SHOW: Final = """
import json, sys
from mutmut.mutation.diff_apply import find_mutant, get_diff_for_mutant
print(json.dumps({name: get_diff_for_mutant(name, path=find_mutant(name).path) for name in sys.argv[1:]}))
"""
#: The exit codes that mutmut notes. Any other, also that of a mutant that was not tried, counts as survived.
KILLED: Final = (1, 3)
TIMED_OUT: Final = (24, -24, 36, 152, 255)
NO_TEST: Final = 33


def prepare(module: str) -> Path:
    """Make the folder in which mutmut runs: a copy of the package below `src`, and the tests."""
    folder = WORK / module.removesuffix(".py").replace("/", ".")
    ignored = shutil.ignore_patterns("__pycache__")
    for source, target in {"provider/pulumi_plugchoice": "src/pulumi_plugchoice", "tests": "tests"}.items():
        shutil.copytree(ROOT / source, folder / target, ignore=ignored, dirs_exist_ok=True)
    tests = json.dumps([f"tests/{name}" for name in TESTS[module]])
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8") + CONFIG.format(module=module, tests=tests)
    (folder / "pyproject.toml").write_text(settings, encoding="utf-8")
    # mutmut would look for the tests that run a function only among the new ones, and a new function would survive.
    (folder / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
    return folder


def run(module: str) -> tuple[Counter[int | None], list[str]]:
    """Run mutmut on one module. Returns how many mutants ended how, and the survivors as the page has them."""
    folder = prepare(module)
    log = folder / "mutmut.log"
    # pytest starts once for each mutant; the plugins that it would find by itself cost half of that.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    results = folder / "mutants" / "src" / "pulumi_plugchoice" / f"{module}.meta"
    before = read_codes(results)
    # mutmut keeps its verdicts; a survivor is tried again only by its name.
    again = [name for name, code in before.items() if code is not None and code not in KILLED]
    with log.open("w", encoding="utf-8") as out:
        for names in ([], again) if again else ([],):
            command: list[str | Path] = [MUTMUT, "run", *(name for name in names if name in read_codes(results))]
            done = subprocess.run(command, cwd=folder, env=environment, stdout=out, stderr=out, check=False)
            if done.returncode != 0:
                sys.exit(f"{module}: mutmut failed with exit status {done.returncode}; see {log}")
    codes = read_codes(results)
    survivors = describe(folder, [name for name, code in codes.items() if code not in (*KILLED, *TIMED_OUT)])
    return Counter(codes.values()), survivors


def read_codes(results: Path) -> dict[str, int | None]:
    """How the tests of each mutant ended, by its name."""
    found: dict[str, int | None] = (
        json.loads(results.read_text(encoding="utf-8"))["exit_code_by_key"] if results.exists() else {}
    )
    return found


def describe(folder: Path, names: list[str]) -> list[str]:
    """Each mutant in a line: the function, and the code that the mutant has in the place of ours."""
    command: list[str | Path] = [PYTHON, "-c", SHOW, *names]
    shown = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    lines = []
    for name, difference in json.loads(shown).items():
        changed = [line for line in difference.splitlines() if re.match(r"[+-](?![+-]{2})", line)]
        new = [line[1:].strip() for line in changed if line.startswith("+")]
        old = ["without: " + line[1:].strip() for line in changed]
        function = re.sub(r".*\.x_?|__mutmut_\d+$", "", name).replace("ǁ", ".").removeprefix(".")
        lines.append(f"{function}: {' '.join(new or old)}")
    return lines


def read_reasons() -> dict[str, list[str]]:
    """The explained survivors by module: the lines of the code blocks below a heading with the module's name."""
    explained: dict[str, list[str]] = {}
    for section in REASONS.read_text(encoding="utf-8").split("\n### ")[1:]:
        module = section.partition("\n")[0].strip("`")
        for block in re.findall(r"^```text\n(.*?)^```$", section, re.MULTILINE | re.DOTALL):
            explained.setdefault(module, []).extend(block.splitlines())
    return explained


def main(modules: list[str]) -> int:
    """Run the modules, print the table and what is not explained; return 1 if there is any."""
    rows, unexplained, stale = [], [], []
    reasons = read_reasons()
    for module in modules or TESTS:
        started, cpu = time.monotonic(), sum(os.times()[2:4])
        codes, survivors = run(module)
        spent = sum(os.times()[2:4]) - cpu
        rows.append((module, codes))
        print(f"{module}: {codes.total()} mutants in {time.monotonic() - started:.0f} s, {spent:.0f} CPU s", flush=True)
        known, found = Counter(reasons.get(module, [])), Counter(survivors)
        unexplained += [f"{module} {line}" for line in (found - known).elements()]
        stale += [f"{module} {line}" for line in (known - found).elements()]
    total = sum((codes for _, codes in rows), Counter[int | None]())
    print(f"\n{'module':<30}{'mutants':>9}{'killed':>8}{'time out':>10}{'no test':>9}{'survived':>10}{'score':>8}")
    for module, codes in [*rows, ("all", total)]:
        killed, late = (sum(codes[code] for code in some) for some in (KILLED, TIMED_OUT))
        none = codes[NO_TEST]
        alive = codes.total() - killed - late - none
        score = f"{100 * (killed + late) / codes.total():.1f} %"
        print(f"{module:<30}{codes.total():>9}{killed:>8}{late:>10}{none:>9}{alive:>10}{score:>8}")
    for title, lines in {"Survivors without a reason": unexplained, "Reasons without a survivor": stale}.items():
        if lines:
            print(f"\n{title} in docs/explanation/evidence.md:", *lines, sep="\n  ")
    return int(bool(unexplained or stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
