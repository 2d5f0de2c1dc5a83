"""One process that has imported what plugins import, and forks itself for each of them: tests start many.

    warm.py serve SOCKET MODULE...           # imports the modules, says "ready", ends when its input is closed
    warm.py join SOCKET PLUGIN ARGUMENT...   # what the launchers beside this file start in place of PLUGIN

Only the imports are shared: a fork gets the arguments, folder, environment and files of the process that joined. That
one stays, as it is the plugin for the engine: it passes signals on, and ends when the fork ends.
"""

import os
import sys

TYPE_CHECKING = False  # `typing` would be imported for it
if TYPE_CHECKING:
    import socket

_HEADER = 8  # bytes: the length of what follows; the three standard files travel with it


def join(path: str, plugin: str, arguments: list[str]) -> None:
    """Have the warm process run a plugin with our files, and end when it ends.

    This runs three times in each `pulumi` call. It has no other imports than these: `socket`, `signal` and `json` take
    six times as long as all the rest, because they import much.
    """
    import _signal  # type: ignore[import-not-found]  # mypy does not know it
    import _socket
    from _json import encode_basestring_ascii as text
    from array import array

    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # until there is somebody to pass it on to
    words = ",".join(map(text, arguments))
    variables = ",".join(f"{text(name)}:{text(value)}" for name, value in os.environ.items())
    job = f"[{text(plugin)},[{words}],{text(os.getcwd())},{{{variables}}}]".encode()  # noqa: PTH109  # no pathlib
    warm = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    warm.connect(path)
    files = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array("i", [0, 1, 2]))
    warm.sendmsg([len(job).to_bytes(_HEADER, "big")], [files])
    warm.sendall(job)
    process = int(warm.recv(20))
    for received in (_signal.SIGINT, _signal.SIGTERM):
        _signal.signal(received, lambda number, _: os.kill(process, number))
    for file in (0, 1, 2):
        os.close(file)  # the engine waits until nobody holds them
    warm.recv(1)  # returns when the other end is closed


def serve(path: str, modules: list[str]) -> tuple[str, int]:
    """Answer those who join. Returns in each fork: the plugin to run, and a file that hangs up when nobody wants it."""
    import contextlib
    import gc
    import importlib
    import select
    import socket

    for module in modules:
        importlib.import_module(module)
    gc.freeze()  # what was imported is not garbage: a fork shares these pages as long as nobody looks
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        print("ready", flush=True)
        while True:
            ready, _, _ = select.select([listener, sys.stdin], [], [])
            with contextlib.suppress(ChildProcessError):  # it has none yet
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            if sys.stdin in ready:
                raise SystemExit
            joined, _ = listener.accept()
            if os.fork() == 0:
                break
            joined.close()
    return take_over(joined), joined.detach()  # open until the fork has ended


def take_over(joined: "socket.socket") -> str:
    """Become what the process that joined would have been."""
    import json
    import socket

    header, files, _, _ = socket.recv_fds(joined, _HEADER, 3)
    with joined.makefile("rb") as stream:
        plugin, arguments, folder, environment = json.loads(stream.read(int.from_bytes(header, "big")))
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [plugin, *arguments]
    joined.sendall(str(os.getpid()).encode())
    return str(plugin)


def end_with(joined: int) -> None:
    """End this process when the one that joined is gone: killed, it passes nothing on.

    By a signal and not in a thread: the language host forks.
    """
    import fcntl
    import select
    import signal

    signal.signal(signal.SIGIO, lambda *_: os._exit(1))
    fcntl.fcntl(joined, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(joined, fcntl.F_SETFL, fcntl.fcntl(joined, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([joined], [], [], 0)[0]:  # it was gone before
        os._exit(1)


def run(plugin: str, joined: int) -> None:
    """Run a plugin in this fork, as its launcher would."""
    import runpy
    from pathlib import Path

    end_with(joined)
    if plugin == "pulumi-language-python":
        # Its own file is in argv, because it may start itself again with another interpreter.
        sys.argv[0] = str(Path(__file__).parent / "language_host.py")
        runpy.run_path(sys.argv[0], run_name="__main__")
        return
    sys.path[0] = str(Path.cwd())
    runpy.run_module("pulumi.dynamic", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["join", path, plugin, *arguments]:
            join(path, plugin, arguments)
        case ["serve", path, *modules]:
            run(*serve(path, modules))
