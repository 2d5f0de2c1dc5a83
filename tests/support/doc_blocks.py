"""Where the code blocks of the docs run, and which cannot. tests/unit/test_docs.py finds what is missing here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .pages import Block

# Played in this order as one story by tests/acceptance/test_guide.py. The README shows the demo's output, the home page
# a preview of the site that was adopted just before.
_PAGES: Final = (
    *("docs/guide/try", "README", "docs/guide/install", "docs/guide/adopt", "docs/index", "docs/guide/first-change"),
    *("docs/guide/review", "docs/guide/apply", "docs/guide/watch", "docs/guide/rewire", "docs/guide/rotate-token"),
    *("docs/guide/scale", "docs/how-to/fleet", "docs/how-to/air-gapped", "docs/how-to/several-accounts"),
    "docs/how-to/proxy-and-ca",
)
STORY: Final = [ROOT / f"{name}.md" for name in _PAGES]
# Each is a story of its own: tests/acceptance/test_examples.py.
EXAMPLES: Final = [
    ROOT / "examples" / name / "README.md" for name in ("quickstart", "single-connector", "site", "gitops")
]

#: Written by tools/docs.py: signatures, messages, and a file that it loads itself.
GENERATED: Final = [ROOT / "docs" / "reference" / f"{name}.md" for name in ("python", "messages", "site-file")]

_IN_DOCS: Final = "tests/unit/test_docs.py"
# Page, first line of the block: the test that runs it.
ELSEWHERE: Final = {
    ("README.md", "from pulumi_plugchoice import ChargingSite"): f"{_IN_DOCS}::test_the_programs_of_a_page",
    ("README.md", "from pulumi_plugchoice import ChargerConnector"): f"{_IN_DOCS}::test_the_programs_of_a_page",
    ("README.md", "site: 0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7"): f"{_IN_DOCS}::test_the_programs_of_a_page",
    ("README.md", "make demo"): f"{_IN_DOCS}::test_the_commands_of_the_readme",
    ("README.md", "plugchoice adopt --all"): f"{_IN_DOCS}::test_the_commands_of_the_readme",
    ("README.md", "plugchoice check"): f"{_IN_DOCS}::test_the_commands_of_the_readme",
    ("docs/reference/connector.md", "from pulumi_plugchoice"): f"{_IN_DOCS}::test_the_programs_of_a_page",
    ("docs/reference/site.md", "from pulumi_plugchoice"): f"{_IN_DOCS}::test_the_programs_of_a_page",
    ("docs/explanation/electrical.md", ">>>"): f"{_IN_DOCS}::test_the_examples_of_electrical_md",
    (
        "docs/explanation/reliability.md",
        "plugchoice: API calls",
    ): "tests/acceptance/test_budget.py::test_every_run_ends_with_what_it_cost",
    ("docs/how-to/testing.md", "import p"): f"{_IN_DOCS}::test_the_tests_of_testing_md",
    ("docs/how-to/testing.md", "emulator.fault("): f"{_IN_DOCS}::test_the_tests_of_testing_md",
    ("docs/how-to/ci.md", "pulumi cancel --stack harbour"): (
        "tests/acceptance/test_kill.py::test_a_file_that_is_cut_off_beside_the_state_can_be_removed"
    ),
}

_ACCOUNT: Final = "needs a real account"
# Page, beginning of the block: why it does not run.
NOT_RUN: Final = {
    ("README.md", "mkdir charging"): "installs from a clone and a package index, as the next one",
    (
        "docs/guide/install.md",
        "python3 -m venv",
    ): "installs from a clone and a package index: `make release-check` does",
    (
        "docs/how-to/ci.md",
        "export PLUGCHOICE_TOKEN=…",
    ): "needs a bucket; examples/gitops/README.md is the same, and runs",
    ("docs/how-to/ci.md", "repos:"): "names a repository to be filled in; tests/unit/test_hooks.py runs the hook",
    ("docs/how-to/fleet.md", "jobs:"): "a part of a workflow, which only GitHub runs",
    ("docs/how-to/fleet.md", "plugchoice fleet scheduler"): (
        "needs three machines with certificates; tests/acceptance/test_cluster.py runs them on one"
    ),
    ("docs/how-to/wiring.md", "from pulumi_plugchoice"): (
        "samples for three minutes while a car comes; tests/contract/test_wiring.py does it with a clock of its own"
    ),
    ("docs/how-to/wiring.md", "HRB-001/1: consistent"): "its output, as above",
    ("docs/how-to/wiring.md", "plugchoice emulator"): "for it, as above",
    ("docs/how-to/wiring.md", "curl -X PATCH"): "for it, as above",
    ("docs/reference/options.md", "pulumi config set"): (
        "asks for a token; tests/acceptance/test_modes.py runs a stack whose config has one"
    ),
    ("CONTRIBUTING.md", "make setup"): "installs everything, as the run that this test is part of has done",
    ("docs/explanation/evidence.md", ""): "mutants of the code, which `make mutants` finds",
    ("docs/releasing.md", ""): "makes a release",
    ("examples/quickstart/README.md", "export PLUGCHOICE_TOKEN=…"): _ACCOUNT,
    ("examples/single-connector/README.md", "export PLUGCHOICE_TOKEN=…"): _ACCOUNT,
    ("examples/site/README.md", "export PLUGCHOICE_TOKEN=…"): _ACCOUNT,
}


def find(table: Mapping[tuple[str, str], str], block: Block) -> str | None:
    """What a table says about a block."""
    page, first = block.key
    return next((said for (name, start), said in table.items() if name == page and first.startswith(start)), None)


def is_played(block: Block) -> bool:
    """Whether a story runs it."""
    return find(ELSEWHERE, block) is None and find(NOT_RUN, block) is None
