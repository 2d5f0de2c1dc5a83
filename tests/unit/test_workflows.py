"""Our own workflows: what zizmor and the schema, both in `make check`, do not see."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml
from support.scripts import load

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parent.parent.parent
OURS: Final = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
THEIRS: Final = sorted((ROOT / "provider" / "pulumi_plugchoice" / "fleet" / "kit" / "github").glob("*.yml"))
#: Options of `uv pip compile` that Renovate's manager pip-compile takes over from the head of a file.
RENOVATE_KNOWS: Final = {
    *("--universal", "--python-version", "--generate-hashes", "--all-extras", "--extra", "--group"),
    *("--constraint", "--output-file"),
}


def jobs(file: Path) -> dict[str, Any]:
    """The jobs of a workflow by their names; the loader keeps `on` and versions as text."""
    workflow = yaml.load(file.read_text(), yaml.BaseLoader)  # noqa: S506 - it makes nothing but texts
    assert isinstance(workflow, dict)
    found: dict[str, Any] = workflow["jobs"]
    return found


def scripts() -> Iterator[tuple[str, str]]:
    """Every shell step of ours, with its place."""
    for file in OURS:
        for name, job in jobs(file).items():
            for step in job["steps"]:
                if "run" in step:
                    yield f"{file.name}: {name}", step["run"]


def supported() -> list[str]:
    """The Python versions that the classifiers name."""
    text = (ROOT / "pyproject.toml").read_text()
    return re.findall(r'"Programming Language :: Python :: (3\.\d+)"', text)


def test_there_are_workflows_for_each_task() -> None:
    """So that the tests below read something."""
    assert {file.stem for file in OURS} == {"check", "docs", "nightly", "release"}
    assert len(list(scripts())) >= 8


def test_each_make_target_can_be_made() -> None:
    """`make` itself says what it would run, and fails for a target that is not there."""
    targets = {word for _, script in scripts() for word in re.findall(r"\bmake ([a-z-]+)", script)}
    assert {"check", "test", "lowest", "docs", "soak", "dist", "release-check"} <= targets

    phony = " ".join(re.findall(r"^\.PHONY:(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)).split()
    assert targets <= set(phony)
    done = subprocess.run(["make", "-n", *targets], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_make_help_lists_each_target_in_two_columns() -> None:
    phony = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split()
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()

    assert sorted(line.split()[0] for line in lines) == sorted(phony)
    assert len({re.match(r"\S+ +", line).end() for line in lines}) == 1  # type: ignore[union-attr] # all match


def test_the_matrix_is_the_supported_pythons() -> None:
    """Those of the classifiers, and the lowest one for the lowest versions."""
    check = jobs(ROOT / ".github" / "workflows" / "check.yml")
    versions = check["test"]["strategy"]["matrix"]["python"]
    (lowest,) = [step["with"]["python-version"] for step in check["lowest"]["steps"] if "setup-python" in str(step)]

    assert versions == supported()
    assert f'requires-python = ">={lowest}"' in (ROOT / "pyproject.toml").read_text()
    assert lowest == versions[0]


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.stem)
def test_each_job_has_a_time_limit_and_says_what_it_may(file: Path) -> None:
    """Without one a job that hangs runs for six hours; without permissions it has those of the workflow: none."""
    text = file.read_text()
    assert "\npermissions: {}\n" in text
    assert "\nconcurrency:\n" in text
    for name, job in jobs(file).items():
        assert 5 <= int(job["timeout-minutes"]) <= 120, name
        assert job["permissions"], name
        assert all("persist-credentials" in str(step) for step in job["steps"] if "checkout@" in str(step)), name


def test_only_the_jobs_that_publish_may_write() -> None:
    """And none of them runs code of the repository."""
    writers = {
        f"{file.stem}.{name}": job
        for file in OURS
        for name, job in jobs(file).items()
        if set(job["permissions"].values()) != {"read"}
    }

    assert set(writers) == {"docs.publish", "release.publish", "release.release"}
    assert all("checkout@" not in str(job["steps"]) for job in writers.values())


def test_an_action_is_pinned_to_one_commit_with_one_version_everywhere() -> None:
    """In our workflows and in those that `plugchoice adopt --ci` writes."""
    pins: dict[str, set[tuple[str, str]]] = {}
    for file in [*OURS, *THEIRS]:
        for name, pin, comment in re.findall(r"uses: ([\w./-]+)@(\S+)(.*)", file.read_text()):
            assert re.fullmatch(r"[0-9a-f]{40}", pin), f"{file.name}: {name}@{pin}"
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), f"{file.name}: {name}{comment}"
            pins.setdefault(name, set()).add((pin, comment))

    assert {name: pin for name, pin in pins.items() if len(pin) > 1} == {}


def run_step(job: str, place: int, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run one of the shell steps of a release job as a runner does, with the programs of `folder` before all others."""
    script = [step["run"] for step in jobs(OURS[-1])[job]["steps"] if "run" in step][place]
    environment = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", **variables}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def write_gh(folder: Path, script: str) -> None:
    """A `gh` that does what a line of shell says."""
    gh = folder / "gh"
    gh.write_text(f"#!/bin/sh\n{script}\n")
    gh.chmod(0o755)


def test_the_release_on_the_forge_has_the_files_and_the_notes(tmp_path: Path) -> None:
    """The shell step itself, with a `gh` that prints its arguments."""
    write_gh(tmp_path, 'printf "%s\\n" "$@"')
    for name in ("dist/a.whl", "dist/a.tar.gz", "notes.md", "pulumi-plugchoice.cdx.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    words = run_step("release", -1, tmp_path, GITHUB_REF_NAME="v1.2.3").stdout.split()

    assert words[:3] == ["release", "create", "v1.2.3"]
    assert words[words.index("--notes-file") + 1] == "notes.md"
    assert words[-3:] == ["dist/a.tar.gz", "dist/a.whl", "./pulumi-plugchoice.cdx.json"]


@pytest.mark.parametrize(("gh", "passes"), [("echo 1", True), ("echo 0", False), ("true", False), ("exit 4", False)])
def test_a_commit_whose_tests_have_not_passed_on_main_is_not_released(tmp_path: Path, gh: str, *, passes: bool) -> None:
    """A tag can be on any commit. The step asks the forge about this one; an error of the forge is not a yes."""
    write_gh(tmp_path, f'printf "%s " "$@" >arguments; {gh}')

    done = run_step("tested", 0, tmp_path, GITHUB_SHA="abc")

    assert (done.returncode == 0) is passes
    asked = (tmp_path / "arguments").read_text()
    assert "--workflow check.yml --branch main --event push --commit abc --status success " in asked
    assert ("::error::abc: " in done.stdout) is (gh in ("echo 0", "true"))
    workflow = jobs(OURS[-1])
    assert workflow["build"]["needs"] == "tested"
    assert set(workflow["publish"]["needs"]) == {"build", "check"}


@pytest.mark.parametrize("job", ["publish", "release"])
@pytest.mark.parametrize("change", ["nothing", "other bytes", "one more", "one less"])
def test_only_what_was_built_is_published(tmp_path: Path, job: str, change: str) -> None:
    """A job between build and publish installs packages without hashes: it could replace the files."""
    dist = tmp_path / "dist"
    dist.mkdir()
    for name in ("a.whl", "a.tar.gz"):
        (dist / name).write_text(name)
    output = tmp_path / "output"
    run_step("build", -1, tmp_path, GITHUB_OUTPUT=str(output)).check_returncode()
    name, _, sums = output.read_text().rstrip("\n").partition("=")
    assert name == "sums"
    if change == "other bytes":
        (dist / "a.whl").write_text("x")
    elif change == "one more":
        (dist / "b.whl").write_text("x")
    elif change == "one less":
        (dist / "a.whl").unlink()

    assert (run_step(job, 0, tmp_path, SUMS=sums).returncode == 0) is (change == "nothing")
    uses = [step.get("uses", "compare") for step in jobs(OURS[-1])[job]["steps"]]
    assert [use.partition("@")[0] for use in uses[:2]] == ["actions/download-artifact", "compare"]


def test_the_release_takes_the_files_from_where_its_tool_writes_them() -> None:
    """Each folder is kept under a name, and later jobs take it by that name, to where they read it."""
    release = load("release.py")
    steps = [step for job in jobs(OURS[-1]).values() for step in job["steps"]]
    kept = {step["with"]["name"]: step["with"]["path"] for step in steps if "upload-artifact@" in str(step)}
    taken = {step["with"]["name"] for step in steps if "download-artifact@" in str(step)}
    (listed,) = [step["with"]["sbom-path"] for step in steps if "sbom-path" in str(step)]

    folders = {"dist": release.DIST, "papers": release.PAPERS}
    assert kept == {name: str(folder.relative_to(ROOT)) for name, folder in folders.items()}
    assert taken == set(kept)
    assert listed == release.SBOM


@pytest.mark.parametrize("file", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda file: file.stem)
def test_renovate_can_run_the_command_in_the_head_of_each_hashed_file(file: Path) -> None:
    """It refuses other options, and options without `=`. uv.txt is one line, which it changes by itself."""
    first, second, *_ = file.read_text().splitlines()
    if file.stem == "uv":
        assert first.startswith("uv==")
        return
    assert first == "# This file was autogenerated by uv via the following command:"
    words = shlex.split(second.removeprefix("#    "))
    assert words[:3] == ["uv", "pip", "compile"]
    assert [word for word in words[3:] if not word.startswith("-")] == ["pyproject.toml"]
    assert {word.partition("=")[0] for word in words[3:] if word.startswith("-")} <= RENOVATE_KNOWS
    assert f"--output-file=requirements/{file.name}" in words


def test_the_hashed_files_agree() -> None:
    """All go into one `.venv`: a layer must not change what another has installed."""
    versions: dict[tuple[str, str], set[str]] = {}
    for file in (ROOT / "requirements").glob("*.txt"):
        pattern = r"^([\w.-]+)(?:\[[^\]]*\])?==(\S+)(?: ; (.*?))? \\$"
        for name, version, marker in re.findall(pattern, file.read_text(), re.MULTILINE):
            versions.setdefault((name, marker), set()).add(version)

    assert len(versions) > 100
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}
