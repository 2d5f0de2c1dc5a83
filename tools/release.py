"""Builds a release and checks it: `make dist`, `make release-check`.

Both take the files of the last commit, never those of the work tree, so that nothing slips in that is not recorded. The
check runs the tests from the unpacked sdist, and the demo with the installed wheel and nothing else. It prints a line
for each thing that is as it should be, and ends at the first that is not.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import hashlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from email.message import EmailMessage

ROOT: Final = Path(__file__).resolve().parent.parent
BIN: Final = ROOT / ".venv" / "bin"
#: What a release consists of; `dist` is what goes to a package index.
DIST: Final = ROOT / "dist"
PAPERS: Final = ROOT / "build" / "release"
SBOM: Final = "pulumi-plugchoice.cdx.json"
PACKAGE: Final = "provider/pulumi_plugchoice/"
#: Without these the package is not what the docs say, whoever removed them.
REQUIRED: Final = {
    "py.typed",
    "sitefile/site.schema.json",
    "fleet/kit/github/plugchoice-review.yml",
    "fleet/kit/gitlab/gitlab-ci.yml",
    "review/page.css",
    "review/page.js",
}
#: What the docs say before the first release.
NOT_YET: Final = "not on PyPI yet"
#: The fast tests, and those that preview the states of earlier versions with the real engine.
TESTS: Final = "tests/unit tests/contract tests/acceptance/test_upgrade.py"
#: Imports every public name, with no extra installed.
IMPORT_ALL: Final = """\
import pulumi_plugchoice, pulumi_plugchoice.errors, pulumi_plugchoice.electrical.planner
for name in pulumi_plugchoice.__all__:
    getattr(pulumi_plugchoice, name)
print(len(pulumi_plugchoice.__all__))
"""


def refuse(message: str) -> NoReturn:
    """End with one line."""
    sys.exit(f"release: {message}")


def passed(name: str, text: str) -> None:
    """Print a line of the table."""
    print(f"  {name:<13} {text}", flush=True)


def run(*command: str | Path, cwd: Path | None = None, more: dict[str, str] | None = None, max_status: int = 0) -> str:
    """Run a command without this shell's Python and Plugchoice settings; return its output."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PLUGCHOICE_", "VIRTUAL_ENV"))
    }
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd or ROOT,
        env={**kept, **(more or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if not 0 <= done.returncode <= max_status:
        print(done.stdout)
        refuse(f"`{shlex.join(map(str, command))}` failed with exit status {done.returncode}; its output is above")
    return done.stdout


def git(*arguments: str, max_status: int = 0) -> str:
    """Run git in the repository."""
    return run("git", *arguments, max_status=max_status).strip()


def read_changelog(text: str, version: str) -> tuple[str, str]:
    """Return the date of a version's entry, and its text.

    Raises:
        SystemExit: there is none, it is empty, or it fixes what was never released.
    """
    found = re.search(rf"^## {re.escape(version)} \(([^)\n]+)\)\n+(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None:
        refuse(f"CHANGELOG.md: no entry for {version}; add `## {version} (date)`, or correct _version.py")
    if not found[2].strip():
        refuse(f"CHANGELOG.md: the entry for {version} is empty; write what users notice")
    is_first = re.search(r"^## ", text[found.end() :], re.MULTILINE) is None
    if is_first and re.search(r"^### Fixed", found[2], re.MULTILINE):
        refuse(f"CHANGELOG.md: {version} is the first entry, so nothing in it was fixed; describe what there is")
    return found[1], found[2]


def read_commit() -> tuple[str, str]:
    """Return the version of the last commit and the entry of CHANGELOG.md about it, ready for a release.

    Raises:
        SystemExit: the work tree differs from the commit.
    """
    if git("status", "--porcelain"):
        refuse("the work tree has changes that are not committed; a release is made of a commit, so commit them first")
    found = re.search(r'"(.+)"', git("show", f"HEAD:{PACKAGE}_version.py"))
    if found is None:
        refuse('_version.py: no version; write `__version__ = "1.2.3"`')
    return found[1], git("show", "HEAD:CHANGELOG.md")


def require_name_of_index() -> None:
    """No page tells readers of a released version to install it from a clone."""
    found = git("grep", "--files-with-matches", NOT_YET, "HEAD", "--", "*.md", max_status=1)
    if found:
        names = ", ".join(line.removeprefix("HEAD:") for line in found.splitlines())
        refuse(
            f'{names}: "{NOT_YET}" is no longer right; write `pip install pulumi-plugchoice`, as docs/releasing.md says'
        )


def require_state(version: str) -> None:
    """There is a state of this version, for the upgrade tests of all later ones."""
    state = f"tests/fixtures/state/{version}.json"
    if not git("ls-tree", "HEAD", state):
        refuse(f"{state}: missing; write it, as docs/releasing.md says")
    passed("upgrade", f"{state} is kept for later versions")


def export(folder: Path) -> Path:
    """Write the files of the last commit, and nothing else, to a new folder."""
    folder.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def build(source: Path, out: Path) -> list[Path]:
    """Build the sdist, and the wheel from it, with the hashed hatchling of this environment."""
    epoch = {"SOURCE_DATE_EPOCH": git("log", "-1", "--format=%ct")}
    python = ("--no-build-isolation", "--python", BIN / "python")
    run(BIN / "uv", "build", "--quiet", *python, "--out-dir", out, source, more=epoch)
    return sorted(file for file in out.iterdir() if file.suffix in (".whl", ".gz"))


def sums(files: list[Path]) -> dict[str, str]:
    """The SHA-256 of each file by its name."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def check_reproducible(work: Path, built: list[Path]) -> None:
    """A second build elsewhere, with other file permissions, gives the same bytes."""
    before = os.umask(0o077)
    try:
        again = build(export(work / "second" / "elsewhere"), work / "again")
    finally:
        os.umask(before)
    if sums(again) != sums(built):
        refuse(f"two builds of one commit differ: {sums(built)} and {sums(again)}")
    passed("reproducible", "a second build in another folder has the same hashes")


def check_sdist(sdist: Path, source: Path, into: Path) -> Path:
    """The sdist has the files of the commit, but for `.ci`; return the folder into which it is unpacked."""
    with tarfile.open(sdist) as tar:
        tar.extractall(into, filter="data")
    (unpacked,) = into.iterdir()
    found = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    wanted = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    wanted = {name for name in wanted if not name.startswith(".ci/")} | {"PKG-INFO"}
    if found != wanted:
        refuse(f"{sdist.name}: missing {sorted(wanted - found)}, not of the commit {sorted(found - wanted)}")
    passed("sdist", f"{len(found)} files: those of the commit, without .ci")
    return unpacked


def check_wheel(wheel: Path, source: Path) -> EmailMessage:
    """The wheel has the package as it is in the commit, and its licence; return its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        content = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    info = next(name for name in content if name.endswith(".dist-info/METADATA")).removesuffix("METADATA")
    package = {
        f"pulumi_plugchoice/{path.relative_to(source / PACKAGE).as_posix()}": path.read_bytes()
        for path in (source / PACKAGE).rglob("*")
        if path.is_file()
    }
    others = {f"{info}{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")}
    if set(content) != set(package) | others:
        refuse(f"{wheel.name}: differs from the commit in {sorted(set(content) ^ (set(package) | others))}")
    changed = sorted(name for name, text in package.items() if content[name] != text)
    missing = sorted(name for name in REQUIRED if f"pulumi_plugchoice/{name}" not in content)
    if changed or missing:
        refuse(f"{wheel.name}: changed {changed}, missing {missing}")
    if content[f"{info}licenses/LICENSE"] != (source / "LICENSE").read_bytes():
        refuse(f"{wheel.name}: another licence than LICENSE")
    run(BIN / "check-wheel-contents", wheel)
    passed("wheel", f"{len(package)} files: the package of the commit, no tests and no caches; check-wheel-contents")
    return email.message_from_bytes(content[f"{info}METADATA"], policy=email.policy.default)


def find_dead_links(markdown: str) -> list[str]:
    """Links and pictures of a page that lead nowhere without the repository."""
    found = []
    for block in MarkdownIt("commonmark").enable("table").parse(markdown):
        for token in block.children or []:
            target = str(token.attrs.get("href") or token.attrs.get("src") or "")
            if target and not target.startswith(("https:", "#")):
                found.append(target)
    return found


def check_metadata(metadata: EmailMessage, built: list[Path], version: str) -> None:
    """What a package index shows."""
    run(BIN / "twine", "check", "--strict", *built)
    wanted = {"Version": version, "License-Expression": "Apache-2.0", "License-File": "LICENSE"}
    found = {key: metadata[key] for key in wanted}
    if found != wanted:
        refuse(f"metadata: {found}, and not {wanted}")
    page = str(metadata.get_payload())
    if not page.startswith("# pulumi-plugchoice\n"):
        refuse("metadata: the long description is not README.md")
    dead = find_dead_links(page)
    if dead:
        refuse(f"metadata: links of README.md that lead nowhere on a package index: {', '.join(dead)}")
    passed("metadata", "twine check --strict; Apache-2.0 with its text; no dead link in the long description")


def make_environment(folder: Path) -> tuple[Path, tuple[str | Path, ...]]:
    """Make an empty environment; return its Python, and the command that installs into it."""
    run(BIN / "uv", "venv", "--quiet", "--python", sys.executable, folder)
    python = folder / "bin" / "python"
    return python, (BIN / "uv", "pip", "install", "--quiet", "--python", python)


def check_tests(unpacked: Path, wheel: Path, work: Path, tests: str) -> None:
    """The tests of the sdist pass with the wheel, in an environment of the hashed versions."""
    python, install = make_environment(work / "tests")
    for layer in ("demo", "test", "docs"):
        run(*install, "--require-hashes", "-r", unpacked / "requirements" / f"{layer}.txt")
    run(*install, "--no-deps", wheel)
    workers = str((os.cpu_count() or 1) * 3 // 2)
    more = {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    if "PLUGCHOICE_BROWSER" in os.environ:
        more["PLUGCHOICE_BROWSER"] = os.environ["PLUGCHOICE_BROWSER"]
    output = run(
        python, "-m", "pytest", "-q", "-n", workers, "--dist", "worksteal", *shlex.split(tests), cwd=unpacked, more=more
    )
    passed("tests", f"{tests} of the unpacked sdist: {output.strip().splitlines()[-1].strip('= ')}")


def check_installed(source: Path, wheel: Path, work: Path) -> Path:
    """The wheel works with what it asks for and nothing else; return the environment's Python."""
    python, install = make_environment(work / "installed")
    run(*install, wheel)
    names = run(python, "-I", "-c", IMPORT_ALL, cwd=work).strip()
    run(*install, f"{wheel}[cli,emulator]")
    run(BIN / "uv", "pip", "check", "--python", python)
    passed("install", f"alone: all {names} public names load; then with [cli,emulator], the newest versions of today")
    started = time.monotonic()
    more = {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    run(python, "-I", source / "tools" / "demo.py", cwd=work, more=more)
    pulumi = run("pulumi", "version").strip()
    passed(
        "quickstart", f"the demo with Pulumi {pulumi} and the installed emulator: {time.monotonic() - started:.0f} s"
    )
    return python


def write_sbom(python: Path, source: Path, version: str) -> None:
    """List what the installed wheel brings with it, as CycloneDX; the tool validates it against the schema."""
    for file in python.parent.parent.glob("lib/*/site-packages/pulumi_plugchoice-*/direct_url.json"):
        file.unlink()  # it names a folder of this machine
    project = source / "pyproject.toml"
    # The tool does not know versions that the build backend reads from a file.
    text, _ = re.subn(r"^dynamic = .*$", f'version = "{version}"', project.read_text(), flags=re.MULTILINE)
    project.write_text(text)
    file = PAPERS / SBOM
    options = ("--pyproject", project, "--mc-type", "library", "--sv", "1.6", "--validate", "--output-reproducible")
    epoch = {"SOURCE_DATE_EPOCH": git("log", "-1", "--format=%ct")}
    run(BIN / "cyclonedx-py", "environment", python, *options, "-o", file, more=epoch)
    text = file.read_text()
    sbom: dict[str, Any] = json.loads(text)
    main = sbom["metadata"]["component"]
    names = {component["name"] for component in sbom["components"]}
    if (main["name"], main.get("version")) != ("pulumi-plugchoice", version):
        refuse(f"{SBOM}: about {main['name']} {main.get('version')}, and not pulumi-plugchoice {version}")
    if not {"pulumi", "requests", "fastapi", "click"} <= names or "pytest" in names:
        refuse(f"{SBOM}: not the components of the installed wheel: {sorted(names)}")
    if "file://" in text or str(python.parent.parent) in text:
        refuse(f"{SBOM}: names a folder of this machine")
    passed("SBOM", f"CycloneDX {sbom['specVersion']}: {len(names)} components, valid")


def make_dist(work: Path) -> list[Path]:
    """Build the last commit into dist/."""
    shutil.rmtree(DIST, ignore_errors=True)
    built = build(export(work / "source"), work / "built")
    DIST.mkdir()
    return [Path(shutil.copy(file, DIST)) for file in built]


def check(work: Path, options: argparse.Namespace) -> None:
    """Build and check a release."""
    version, changelog = read_commit()
    date, notes = read_changelog(changelog, version)
    if options.tag is not None and options.tag != f"v{version}":
        refuse(f"the tag {options.tag} is not v{version}, the version of _version.py")
    if options.tag is not None and not re.fullmatch(r"\d{4}-\d\d-\d\d", date):
        refuse(f"CHANGELOG.md: the entry for {version} has no date; write `## {version} (2026-01-31)`")
    if options.tag is not None:
        require_name_of_index()
    print(
        f"Release check of {version}, commit {git('rev-parse', '--short', 'HEAD')}; about 10 minutes on 2 cores:",
        flush=True,
    )
    passed("changelog", f"an entry for {version} ({date})")
    require_state(version)
    built = make_dist(work)
    sdist, wheel = sorted(built, key=lambda file: file.suffix)
    passed("build", ", ".join(f"{file.name} ({file.stat().st_size // 1024} KiB)" for file in built))
    if options.same_as is not None:
        if sums(built) != sums([file for file in options.same_as.iterdir() if file.is_file()]):
            refuse(f"{options.same_as}: other files than those of this build")
        passed("same", f"as those in {options.same_as}")
    check_reproducible(work, built)
    source = work / "source"
    unpacked = check_sdist(sdist, source, work / "unpacked")
    check_metadata(check_wheel(wheel, source), built, version)
    check_tests(unpacked, wheel, work, options.tests)
    python = check_installed(source, wheel, work)
    shutil.rmtree(PAPERS, ignore_errors=True)
    PAPERS.mkdir(parents=True)
    write_sbom(python, source, version)
    (PAPERS / "notes.md").write_text(notes)
    print(f"The release is in dist/, its notes and its SBOM in {PAPERS.relative_to(ROOT)}/.")


def main() -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description="Build a release from the last commit, and check it.")
    parser.add_argument("command", choices=("dist", "check"))
    parser.add_argument("--tag", help="that is released: has to be the version, and CHANGELOG.md has to have its date")
    parser.add_argument("--same-as", type=Path, help="a folder with an earlier build of this commit")
    parser.add_argument("--tests", default=TESTS, help="arguments of pytest; `tests` for all")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="plugchoice-release-") as work:
        if options.command == "check":
            check(Path(work), options)
        else:
            read_commit()
            for file in make_dist(Path(work)):
                print(f"{sums([file])[file.name]}  dist/{file.name}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
