"""A small Python language host for a Pulumi CLI that was built without one. See tools/pulumi/README.md.

The engine starts it, reads a port from its first line and then asks, over gRPC, to run a program. Each run is a child
process that gets the request on its standard input: a preview and the update after it share no modules, and the
program has a main thread of its own, as with the official host.
"""

import os
import re
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

RUN = "--run"
REPORTED = 32  # exit status of a child whose error is on the screen already; the official host uses the same number


def virtualenv_of_project(start: Path) -> Path | None:
    """The virtual environment that the nearest Pulumi.yaml asks for.

    Read from the text: options reach a host only after it has started, and gRPC may be installed just in there.
    """
    for folder in (start, *start.parents):
        project = folder / "Pulumi.yaml"
        if project.is_file():
            text = re.sub(r"(?m)(^|\s)#.*$", "", project.read_text(encoding="utf-8"))
            named = re.search(r"""\bvirtualenv["']?\s*:\s*(?:"([^"]+)"|'([^']+)'|([^\s,}]+))""", text)
            if named:
                return folder / (named[1] or named[2] or named[3])
            return folder / ".venv" if re.search(r"""\btoolchain["']?\s*:\s*["']?uv\b""", text) else None
    return None


def use_the_projects_interpreter() -> None:
    venv = virtualenv_of_project(Path.cwd())
    if venv is None or Path(sys.prefix).resolve() == venv.resolve():
        return
    python = venv / "bin" / "python"
    if not python.exists():
        fail(f"Pulumi.yaml asks for the virtual environment {venv}, and there is none")
    os.execv(python, [str(python), "-u", *sys.argv])  # noqa: S606  # no shell is wanted


def fail(reason: str) -> NoReturn:
    print(f"pulumi-language-python (stand-in): {reason}", file=sys.stderr)
    raise SystemExit(1)


def serve() -> NoReturn:
    import logging
    import select
    import signal
    from concurrent.futures import ThreadPoolExecutor

    import grpc  # type: ignore[import-untyped]
    from pulumi.automation._server import LanguageServer
    from pulumi.runtime.proto import language_pb2, language_pb2_grpc

    class Host(LanguageServer):
        """The SDK's own server for inline programs, with a child process in place of the inline program."""

        def __init__(self) -> None:
            super().__init__(program=lambda: None)

        def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
            return language_pb2.LanguageHandshakeResponse()

        def GetProgramDependencies(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
            return language_pb2.GetProgramDependenciesResponse()

        def Run(self, request: Any, context: Any) -> Any:  # noqa: N802
            child = subprocess.Popen(
                [sys.executable, "-u", __file__, RUN, sys.argv[-1]],
                stdin=subprocess.PIPE,
                cwd=request.info.program_directory,
            )
            context.add_callback(child.terminate)  # the engine gave up on this run; harmless once it has ended
            child.communicate(request.SerializeToString())
            if child.returncode in (0, REPORTED):
                return language_pb2.RunResponse(bail=child.returncode == REPORTED)
            return language_pb2.RunResponse(error=f"Program exited with non-zero exit code: {child.returncode}")

        def not_here(self, request: Any, context: Any) -> Any:  # noqa: ARG002
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "the stand-in language host only runs programs")

        InstallDependencies = RuntimeOptionsPrompts = Template = RunPlugin = not_here
        GenerateProgram = GenerateProject = GeneratePackage = Pack = Link = not_here

    logging.getLogger("grpc").setLevel(logging.CRITICAL)  # a failed call reaches the engine, and so the user, anyway
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))  # how the engine ends its plugins
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Host(), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    watched = select.poll()
    watched.register(sys.stderr.fileno(), 0)  # no event is asked for; that the reader is gone is always reported
    watched.poll()
    os._exit(1)  # the engine was killed: nobody will end us


def run(request_bytes: bytes, engine_address: str) -> int:
    import asyncio
    import logging
    import runpy
    from concurrent.futures import ThreadPoolExecutor

    import grpc
    import pulumi
    from pulumi.runtime import reset_options, run_in_stack, set_all_config
    from pulumi.runtime.proto import language_pb2

    request = language_pb2.RunRequest.FromString(request_bytes)
    reset_options(
        project=request.project,
        root_directory=request.info.root_directory,
        stack=request.stack,
        organization=request.organization or "organization",
        parallel=request.parallel,
        preview=request.dryRun,
        monitor_address=request.monitor_address,
        engine_address=engine_address,
    )
    set_all_config(dict(request.config), list(request.configSecretKeys))

    entry = Path(request.info.program_directory, request.info.entry_point)
    main = entry / "__main__.py" if entry.is_dir() else entry
    if not main.is_file():
        pulumi.log.error(f"no Python program at {main}")
        return REPORTED
    sys.path[0] = str(main.parent)  # in place of this file's folder
    sys.argv = [str(main)]

    # A failed program leaves futures that nobody awaits; that is Pulumi's way, and no news to its user.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_default_executor(ThreadPoolExecutor(max_workers=4 * max(request.parallel, 1)))

    def program() -> None:
        runpy.run_path(str(main), run_name="__main__")

    try:
        loop.run_until_complete(run_in_stack(program))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.UNAVAILABLE:  # unavailable: the engine has ended the run, and said why
            pulumi.log.error(f"RPC error: {error.details()}")
    except Exception as error:  # noqa: BLE001  # whatever the program raises is the user's to read
        pulumi.log.error("Program failed with an unhandled exception:\n" + traceback_from(main, error))
    else:
        return 0
    return REPORTED


def traceback_from(main: Path, error: Exception) -> str:
    """The traceback without the frames above the user's program; all of it where the program has no frame."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename != str(main):
        frame = frame.tb_next
    if frame is None and not isinstance(error, SyntaxError):
        frame = error.__traceback__
    return "".join(traceback.format_exception(type(error), error, frame))


if __name__ == "__main__":
    try:
        if sys.argv[1:2] != [RUN]:
            use_the_projects_interpreter()
            serve()
        status = run(sys.stdin.buffer.read(), engine_address=sys.argv[2])
    except ImportError as error:
        fail(f"{error} in {sys.executable}: install this project's requirements there, or set PULUMI_PYTHON_CMD")
    except KeyboardInterrupt:
        os._exit(130)
    sys.stdout.flush()
    os._exit(status)  # not held up by threads that still wait for an engine which has stopped listening
