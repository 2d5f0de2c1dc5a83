"""Runs the jobs of workflows as a forge's runner does: their shell steps for real, in a new clone for each job.

It knows just what the workflows of `plugchoice adopt --ci` use. Anything else fails: an expression, a function, an
action, a key of a step. So a workflow that has changed is either run or refused.
"""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from .processes import RUN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_INSTALL: Final = "python -m pip install --quiet --requirement requirements.txt"
_TOKEN: Final = re.compile(r"\s*(==|!=|&&|\|\||[!()]|'[^']*'|[A-Za-z_][\w.-]*|$)")
#: Contexts in which a name that is not there is empty, as on GitHub.
_MAY_LACK: Final = ("secrets", "vars", "inputs", "steps")
_JOB_KEYS: Final = {
    *("name", "needs", "if", "runs-on", "timeout-minutes", "environment", "permissions", "concurrency", "strategy"),
    *("outputs", "steps"),
}
_STEP_KEYS: Final = {"id", "if", "uses", "with", "run", "env"}


class Expression:
    """One expression of GitHub Actions, of the kind that the workflows use."""

    def __init__(self, text: str, contexts: dict[str, Any]) -> None:
        self._words: Iterator[str] = iter(self._split(text))
        self._word = next(self._words)
        self._contexts = contexts

    @staticmethod
    def _split(text: str) -> Iterator[str]:
        place = 0
        while True:
            found = _TOKEN.match(text, place)
            assert found, f"expression not known: {text}"
            yield found[1]
            if not found[1]:
                return
            place = found.end()

    def evaluate(self) -> Any:
        """The value."""
        value = self._any()
        assert self._word == "", f"not understood from here: {self._word}"
        return value

    def _next(self) -> str:
        word, self._word = self._word, next(self._words, "")
        return word

    def _any(self) -> Any:
        value = self._all()
        while self._word == "||":
            self._next()
            other = self._all()
            value = value or other
        return value

    def _all(self) -> Any:
        value = self._compare()
        while self._word == "&&":
            self._next()
            other = self._compare()
            value = value and other
        return value

    def _compare(self) -> Any:
        value = self._one()
        if self._word in ("==", "!="):
            is_equal = self._next() == "=="
            return (value == self._one()) is is_equal
        return value

    def _one(self) -> Any:
        word = self._next()
        if word == "!":
            return not self._one()
        if word.startswith("'"):
            return word[1:-1]
        if self._word == "(":
            self._next()
            arguments = [] if self._word == ")" else [self._any()]
            assert self._next() == ")"
            if word == "cancelled":
                return False
            assert word == "fromJSON", f"function not known: {word}"
            return json.loads(arguments[0])
        root, *names = word.split(".")
        value: Any = self._contexts[root]
        for name in names:
            value = value.get(name, {}) if root in _MAY_LACK else value[name]
        return "" if value == {} else value


def fill(text: Any, contexts: dict[str, Any]) -> str:
    """A text with the values of its expressions."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: str(Expression(found[1], contexts).evaluate()), str(text))


def holds(condition: str | None, contexts: dict[str, Any], *, is_good: bool) -> bool:
    """Whether a job or a step runs."""
    text = (condition or "").strip().removeprefix("${{").removesuffix("}}")
    if "cancelled" not in text and not is_good:
        return False
    return not text or bool(Expression(text, contexts).evaluate())


@dataclass
class Job:
    """What a job did.

    Attributes:
        result: `success`, `failure` or `skipped`.
        log: what its steps printed.
        outputs: of the job.
        summary: of its steps, Markdown.
        environments: the variables of each shell step.
    """

    result: str = "success"
    log: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    environments: list[dict[str, str]] = field(default_factory=list)

    def lines(self, text: str) -> list[str]:
        """The lines of the log with that text."""
        return [line.strip() for line in self.log.splitlines() if text in line]


@dataclass
class Runner:
    """A machine that runs jobs.

    Attributes:
        remote: the repository.
        folder: where clones and files go.
        machine: the variables of every process.
        interrupt: when it returns true, the running step gets SIGINT, as when somebody cancels the job.
    """

    remote: Path
    folder: Path
    machine: dict[str, str]
    interrupt: Callable[[], bool] | None = None
    count: int = 0

    def clone(self, commit: str, depth: int) -> Path:
        """A new clone with a commit of the remote checked out; a depth of 0 is everything."""
        self.count += 1
        work = self.folder / f"job-{self.count}"
        more = [f"--depth={depth}"] if depth else ["+refs/heads/*:refs/remotes/origin/*"]
        for command in (
            ["init", "--quiet", str(work)],
            ["-C", str(work), "fetch", "--quiet", f"file://{self.remote}", commit, *more],
            ["-C", str(work), "checkout", "--quiet", "--detach", commit],
        ):
            subprocess.run(["git", *command], check=True, capture_output=True)
        return work

    def shell(self, script: str, work: Path, variables: dict[str, str]) -> tuple[int, str]:
        """Run a script as the runners do; return status and output."""
        if script.strip() == _INSTALL:
            _install(str(work))
            return 0, ""
        file = self.folder / "script.sh"
        file.write_text(script)
        with subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", file],
            cwd=work,
            env={**self.machine, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            while self.interrupt is not None and process.poll() is None:
                if self.interrupt():
                    process.send_signal(signal.SIGINT)
                    break
                time.sleep(0.02)
            output, _ = process.communicate(timeout=120)
        return process.returncode, re.sub(r"\x1b\[[0-9;]*m", "", output)


@functools.cache
def _run_install(requirements: str) -> None:
    """What is named has to be what is installed here: nothing is downloaded. Once, because it takes seconds."""
    command = [sys.executable, "-m", "pip", "install", "--no-index", "--dry-run", "--quiet", *requirements.split()]
    subprocess.run(command, check=True, capture_output=True, text=True)


def _install(work: str) -> None:
    _run_install(Path(work, "requirements.txt").read_text())


class GitHub:
    """Runs workflows of GitHub.

    Args:
        runner: the machine.
        forge: the variables with which its API is found.
        secrets: of the repository, and of its environment `plugchoice`.
        variables: likewise.
        tokens: a token that may write, and one that may only read.
    """

    def __init__(
        self,
        runner: Runner,
        forge: dict[str, str],
        *,
        secrets: tuple[dict[str, str], dict[str, str]],
        variables: tuple[dict[str, str], dict[str, str]],
        tokens: tuple[str, str],
    ) -> None:
        self.runner, self.forge = runner, forge
        self.secrets, self.variables, self.tokens = secrets, variables, tokens
        self._artifacts: dict[str, bytes] = {}

    def run(
        self,
        name: str,
        commit: str,
        event: dict[str, Any],
        *,
        inputs: dict[str, str] | None = None,
        is_trusted: bool = True,
        ref: str = "refs/heads/main",
        between: dict[str, Callable[[], object]] | None = None,
        again: dict[str, Job] | None = None,
    ) -> dict[str, Job]:
        """Run all jobs of a workflow, in order.

        Args:
            name: of the file.
            commit: that the event is about.
            event: what started the workflow.
            inputs: of a run by hand.
            is_trusted: False for a fork: no secrets, and a token that only reads.
            ref: of the event.
            between: what happens just before a job.
            again: what an earlier run did; only its jobs without success are run again, with what the others made.
        """
        self.runner.count += 1
        text = subprocess.run(
            ["git", "-C", str(self.runner.remote), "show", f"{commit}:.github/workflows/{name}"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        workflow = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - of our own file, with every value as a text
        assert workflow["permissions"] == {}
        assert workflow["defaults"] == {"run": {"shell": "bash"}}
        done: dict[str, Job] = {}
        known = again or {}
        for key, job in workflow["jobs"].items():
            if key in known and known[key].result == "success":
                done[key] = known[key]
                continue
            assert not set(job) - _JOB_KEYS, set(job) - _JOB_KEYS
            (between or {}).get(key, lambda: None)()
            has_environment = "environment" in job
            needs = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
            may_write = {"pull-requests", "issues"} & {
                scope for scope, level in job["permissions"].items() if level == "write"
            }
            contexts: dict[str, Any] = {
                "github": {
                    "event": event,
                    "ref": ref,
                    "repository": self.forge["GITHUB_REPOSITORY"],
                    "token": self.tokens[0 if may_write and is_trusted else 1],
                },
                "needs": {need: {"outputs": done[need].outputs} for need in needs},
                "inputs": inputs or {},
                "vars": {**self.variables[0], **(self.variables[1] if has_environment else {})},
                "secrets": {**self.secrets[0], **(self.secrets[1] if has_environment else {})} if is_trusted else {},
            }
            is_good = all(done[need].result == "success" for need in needs)
            if not holds(job.get("if"), contexts, is_good=is_good):
                done[key] = Job("skipped")
                continue
            matrix = job.get("strategy", {}).get("matrix")
            if matrix is None:
                done[key] = self._run_job(job, workflow, contexts, commit)
                continue
            assert job["strategy"]["max-parallel"] == "1"
            assert set(matrix) == {"site"}
            sites = Expression(matrix["site"].strip()[3:-2], contexts).evaluate()
            done[key] = Job()
            for site in sites:  # one after the other; the first that fails stops the others, which is the default
                leg = self._run_job(job, workflow, {**contexts, "matrix": {"site": site}}, commit)
                done[key] = Job(leg.result, done[key].log + leg.log, {}, "", done[key].environments + leg.environments)
                if leg.result != "success":
                    break
        return done

    def _run_job(
        self,
        job: dict[str, Any],
        workflow: dict[str, Any],
        contexts: dict[str, Any],
        commit: str,
    ) -> Job:
        done = Job()
        contexts = {**contexts, "steps": {}}
        common = {key: fill(value, contexts) for key, value in workflow.get("env", {}).items()}
        work: Path | None = None
        for number, step in enumerate(job["steps"]):
            assert not set(step) - _STEP_KEYS, set(step) - _STEP_KEYS
            if not holds(step.get("if"), contexts, is_good=done.result == "success"):
                continue
            if "uses" in step:
                work = self._use(step, work, commit)
                continue
            assert work is not None, "the first step is a checkout"
            files = {
                name: self.runner.folder / f"{name}-{self.runner.count}-{number}" for name in ("output", "summary")
            }
            for file in files.values():
                file.write_text("")
            variables = {
                **self.forge,
                **common,
                **{key: fill(value, contexts) for key, value in step.get("env", {}).items()},
                "GITHUB_SHA": commit,
                "GITHUB_OUTPUT": str(files["output"]),
                "GITHUB_STEP_SUMMARY": str(files["summary"]),
            }
            event = self.runner.folder / "event.json"
            event.write_text(json.dumps(contexts["github"]["event"]))
            variables["GITHUB_EVENT_PATH"] = str(event)
            assert "${{" not in step["run"], "a value in a script could run as a command"
            status, output = self.runner.shell(step["run"], work, variables)
            done.environments.append(variables)
            done.log += output
            done.summary += files["summary"].read_text()
            outputs = dict(line.split("=", 1) for line in files["output"].read_text().splitlines())
            if "id" in step:
                contexts["steps"][step["id"]] = {"outputs": outputs}
            if status:
                done.result = "failure"
        done.outputs = {key: fill(value, contexts) for key, value in job.get("outputs", {}).items()}
        return done

    def _use(self, step: dict[str, Any], work: Path | None, commit: str) -> Path | None:
        """What an action does here."""
        name, _, pin = step["uses"].partition("@")
        options = step.get("with", {})
        assert re.fullmatch(r"[0-9a-f]{40}", pin), step["uses"]
        if name == "actions/checkout":
            assert options["persist-credentials"] == "false"
            return self.runner.clone(commit, int(options.get("fetch-depth", "1")))
        assert work is not None, "the first step is a checkout"
        if name == "actions/upload-artifact":
            self._artifacts[options["name"]] = (work / options["path"]).read_bytes()
        elif name == "actions/download-artifact":
            (work / f"{options['name']}.json").write_bytes(self._artifacts[options["name"]])
        else:
            assert name in ("actions/setup-python", "pulumi/actions"), name
        return work


@dataclass
class GitLab:
    """Runs jobs of `.gitlab-ci.yml`.

    Attributes:
        runner: the machine.
        variables: of the project, which every job gets.
        protected: those for protected branches and the environment `plugchoice`.
        artifacts: what jobs have handed on.
    """

    runner: Runner
    variables: dict[str, str]
    protected: dict[str, str]
    artifacts: dict[str, bytes] = field(default_factory=dict)

    def run(self, commit: str, pipeline: dict[str, str], again: dict[str, Job] | None = None) -> dict[str, Job]:
        """Run the jobs of a pipeline whose rules hold, in order.

        Args:
            commit: that is checked out.
            pipeline: the variables that GitLab sets, and those of a run by hand.
            again: what an earlier run did; only its jobs without success are run again, with what the others made.
        """
        known = again or {}
        config = yaml.load(self._read(commit), yaml.BaseLoader)  # noqa: S506 - see above
        assert config["variables"]["GIT_DEPTH"] == "0"
        assert config["default"]["before_script"] == [_INSTALL]
        assert any(_rule_holds(rule["if"], pipeline) for rule in config["workflow"]["rules"])
        done: dict[str, Job] = {}
        jobs = [(name, job) for name, job in config.items() if isinstance(job, dict) and "stage" in job]
        for name, job in sorted(jobs, key=lambda item: config["stages"].index(item[1]["stage"])):
            if name in known and known[name].result == "success":
                done[name] = known[name]
            elif any(other.result == "failure" for other in done.values()) or not any(
                _rule_holds(rule["if"], pipeline) for rule in job["rules"]
            ):
                done[name] = Job("skipped")
            else:
                done[name] = self._run_job(job, commit, pipeline, config["default"]["before_script"])
        return done

    def _read(self, commit: str) -> str:
        command = ["git", "-C", str(self.runner.remote), "show", f"{commit}:.gitlab-ci.yml"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def _run_job(self, job: dict[str, Any], commit: str, pipeline: dict[str, str], before: list[str]) -> Job:
        work = self.runner.clone(commit, 0)
        for name, content in self.artifacts.items():
            (work / name).write_bytes(content)
        is_protected = pipeline.get("CI_COMMIT_BRANCH") == pipeline["CI_DEFAULT_BRANCH"]
        own = {**self.variables, **(self.protected if is_protected and "environment" in job else {})}
        # The weakest first: those of the job, of the project, and of the pipeline.
        texts = job.get("variables", {}).items()
        given = {**{key: _expand(text, {**own, **pipeline}) for key, text in texts}, **own, **pipeline}
        for line in before:
            self.runner.shell(line, work, given)
        script: list[str] = job["script"]
        status, output = self.runner.shell("\n".join(script), work, given)
        for name in job.get("artifacts", {}).get("paths", []) if status == 0 else ():
            self.artifacts[name] = (work / name).read_bytes()
        return Job("failure" if status else "success", output, environments=[given])


def _expand(text: str, variables: dict[str, str]) -> str:
    return re.sub(r"\$([A-Z_]+)", lambda found: variables.get(found[1], ""), text)


def _rule_holds(rule: str, variables: dict[str, str]) -> bool:
    """Whether all conditions of a rule hold: `$A == "x"`, `$A == $B` or `$A`."""
    for condition in rule.split(" && "):
        found = re.fullmatch(r'\$(\w+)(?: == (?:"(\w+)"|\$(\w+)))?', condition)
        assert found, f"condition not known: {condition}"
        value = variables.get(found[1], "")
        wanted = found[2] or (variables.get(found[3], "") if found[3] else None)
        if not value or (wanted is not None and value != wanted):
            return False
    return True


def machine(environment: dict[str, str], home: Path) -> dict[str, str]:
    """The variables of a runner's machine: nothing of this one but the paths, and no credentials."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "GOGC", "GOMEMLIMIT", RUN) if name in os.environ}
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    secret = ("PLUGCHOICE_TOKEN", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_BACKEND_URL", "PULUMI_STACK")
    return {**kept, **{key: value for key, value in environment.items() if key not in secret}, "HOME": str(home)}
