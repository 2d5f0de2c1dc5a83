"""A small Python language host for a Pulumi CLI that was built without one. See tools/pulumi/README.md.

The engine starts it, reads a port from its first line and then asks, over gRPC, to run a program. Three processes:

- the host answers the engine. It ends when the engine does;
- the starter imports the SDK once and forks itself for each run. It has one thread, because a fork copies only one;
- a program: a preview and the update after it share no modules, as with the official host.

The starter and the program watch a socket that only the host holds at its other end: they end when the host ends.
"""

import os
import re
import select
import signal
import sys
import threading
import traceback
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

REPORTED = 32  # exit status of a program whose error is on the screen already; the official host uses the same number


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


def start_programs(host: Connection) -> NoReturn:
    """The starter: fork for each request of the host, send the program's process id, then its exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the engine signals the whole group; the host's end is ours
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    while True:
        try:
            request = host.recv()
        except (EOFError, OSError):  # closed, or reset: the host ended with an exit status unread
            os._exit(0)
        program = os.fork()
        if program == 0:
            run_and_exit(request, host)
        try:
            host.send(program)
            _, status = os.waitpid(program, 0)
            host.send(os.waitstatus_to_exitcode(status))
        except OSError:  # the program sees the same socket and ends by itself
            os._exit(0)


def run_and_exit(request: tuple[bytes, str], host: Connection) -> NoReturn:
    """The program's process. It does not wait for threads that wait for an engine which has stopped listening."""
    status = 1
    try:
        # At once: an interrupt in the middle of something prints a traceback that says nothing about the program.
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
        threading.Thread(target=exit_when_closed, args=(host.fileno(),), daemon=True).start()
        status = run(*request)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  # the caller is the starter's loop: nothing may return to it
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(status)


def exit_when_closed(file: int) -> NoReturn:
    """End this process when nobody holds the other end of a pipe or socket."""
    watched = select.poll()
    watched.register(file, 0)  # no event is asked for: a hang-up is always reported
    watched.poll()
    os._exit(1)


def serve() -> NoReturn:
    import pulumi.automation._server  # noqa: F401  # before the fork: it is what a program takes longest to import

    ours, theirs = Pipe()
    if os.fork() == 0:  # no thread of gRPC runs yet
        ours.close()
        start_programs(theirs)
    theirs.close()

    import logging
    from concurrent.futures import ThreadPoolExecutor

    import grpc  # type: ignore[import-untyped]  # it has no types
    from pulumi.automation._server import LanguageServer
    from pulumi.runtime.proto import language_pb2, language_pb2_grpc

    class Host(LanguageServer):
        """The SDK's own server for inline programs, with a process in place of the inline program."""

        def __init__(self) -> None:
            super().__init__(program=lambda: None)
            self.one_run = threading.Lock()

        def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002  # gRPC's names
            return language_pb2.LanguageHandshakeResponse()

        def GetProgramDependencies(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002  # gRPC's names
            return language_pb2.GetProgramDependenciesResponse()

        def Run(self, request: Any, context: Any) -> Any:  # noqa: N802  # gRPC's name
            with self.one_run:
                ours.send((request.SerializeToString(), sys.argv[-1]))
                running = [ours.recv()]

                def give_up() -> None:
                    for program in running:
                        os.kill(program, signal.SIGTERM)

                context.add_callback(give_up)  # called when the engine drops the run, and after each run
                status = ours.recv()
                running.clear()
            if status in (0, REPORTED):
                return language_pb2.RunResponse(bail=status == REPORTED)
            return language_pb2.RunResponse(error=f"Program exited with non-zero exit code: {status}")

        def not_here(self, request: Any, context: Any) -> Any:  # noqa: ARG002  # gRPC's arguments
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "the stand-in language host only runs programs")

        InstallDependencies = RuntimeOptionsPrompts = Template = RunPlugin = not_here
        GenerateProgram = GenerateProject = GeneratePackage = Pack = Link = not_here

    logging.getLogger("grpc").setLevel(logging.CRITICAL)  # a failed call reaches the engine, and so the user, anyway
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))  # how the engine ends its plugins
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Host(), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    exit_when_closed(sys.stderr.fileno())  # the engine's end of it: when the engine was killed, nobody will end us


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
    os.chdir(request.info.program_directory)
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
    use_the_projects_interpreter()
    try:
        serve()
    except ImportError as error:
        fail(f"{error} in {sys.executable}: install this project's requirements there, or set PULUMI_PYTHON_CMD")
