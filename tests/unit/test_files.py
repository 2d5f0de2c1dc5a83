"""_files.py: a link does not leave the project, a file is never read without bound, and never written by half."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from pulumi_plugchoice._files import FileRefused, WriteFailed, identify, read_file, write_files

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and FIFOs of POSIX")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a folder `sites`, beside a secret that does not belong to it."""
    (tmp_path / "secret").write_text("ghp_secret")
    folder = tmp_path / "checkout"
    (folder / ".git").mkdir(parents=True)
    (folder / "sites").mkdir()
    return folder


def read(path: Path) -> str:
    """What is read, or why nothing is."""
    try:
        return read_file(path, 1 << 20).decode()
    except FileRefused as refused:
        return refused.reason


LEAVES = "is a link that leads out of the project"


def test_a_link_is_followed_within_the_project_only(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also a folder that is a link, to another checkout too; a relative path; `..`; a link to a link."""
    (checkout / "real.yaml").write_text("real")
    other = checkout.parent / "other"
    (other / ".git").mkdir(parents=True)
    (other / "x.yaml").write_text("ghp_secret")
    for name, target in {
        "in.yaml": "../real.yaml",
        "out.yaml": "../../secret",
        "absolute.yaml": str(checkout.parent / "secret"),
        "twice.yaml": "out.yaml",
        "folder": "../../other",
    }.items():
        (checkout / "sites" / name).symlink_to(target)
    monkeypatch.chdir(checkout)
    assert read(Path("sites/in.yaml")) == "real"
    assert read(Path("sites/../sites/in.yaml")) == "real"
    for name in ("out.yaml", "absolute.yaml", "twice.yaml", "folder/x.yaml", "folder/../secret"):
        assert read(Path("sites") / name) == LEAVES
        assert read(checkout / "sites" / name) == LEAVES
        with pytest.raises(WriteFailed, match="leads out of the project"):
            write_files({Path("sites") / name: b"new"})
    assert (checkout.parent / "secret").read_text() == "ghp_secret"
    assert read(Path("../secret")) == "ghp_secret", "a path that the user wrote leads anywhere"


def test_a_link_into_the_git_folder_is_not_followed(checkout: Path) -> None:
    """It holds the token of the checkout, and hooks."""
    (checkout / ".git").mkdir(exist_ok=True)
    (checkout / ".git" / "config").write_text("ghp_secret")
    (checkout / "sites" / "x.yaml").symlink_to("../.git/config")
    (checkout / "sites" / "hooks").symlink_to("../.git")
    for name in ("x.yaml", "hooks/config", "hooks/new"):
        with pytest.raises(FileRefused, match=r"is a link that leads into a \.git folder"):
            read_file(checkout / "sites" / name, 100)
        with pytest.raises(WriteFailed, match=r"is a link that leads into a \.git folder"):
            write_files({checkout / "sites" / name: b"new"})
    assert (checkout / ".git" / "config").read_text() == "ghp_secret"
    assert read(checkout / ".git" / "config") == "ghp_secret", "a path that the user wrote leads anywhere"


def test_without_a_checkout_the_project_is_the_programs_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the current folder, or the file's own."""
    (tmp_path / "secret").write_text("ghp_secret")
    project = tmp_path / "project"
    (project / "sites").mkdir(parents=True)
    (project / "real").write_text("real")
    (project / "sites" / "in").symlink_to("../real")
    (project / "sites" / "out").symlink_to("../../secret")
    assert read(project / "sites" / "in") == LEAVES, "seen from elsewhere, only its own folder"
    monkeypatch.chdir(project)
    assert read(Path("sites/in")) == "real"
    assert read(Path("sites/out")) == LEAVES
    monkeypatch.chdir(tmp_path)
    (project / "Pulumi.yaml").touch()
    assert read(Path("project/sites/in")) == "real"
    assert read(Path("project/sites/out")) == LEAVES


def test_a_project_below_a_link_is_not_a_link_out_of_it(checkout: Path) -> None:
    """As `/tmp` on some systems."""
    (checkout / "sites" / "x").write_text("x")
    (checkout.parent / "link").symlink_to(checkout)
    assert read(checkout.parent / "link" / "sites" / "x") == "x"


@pytest.mark.parametrize("kind", ["fifo", "/dev/zero", "/dev/full", "link to a device"])
def test_only_regular_files_are_read_and_replaced(kind: str, tmp_path: Path) -> None:
    """Without waiting for a writer, and without end."""
    path = Path(kind)
    if kind == "fifo":
        path = tmp_path / "fifo"
        os.mkfifo(path)
    elif kind == "link to a device":
        path = tmp_path / "null"
        path.symlink_to("/dev/null")
    expected = LEAVES if kind == "link to a device" else "is not a regular file"
    assert read(path) == expected
    with pytest.raises(WriteFailed, match=expected):
        write_files({path: b"x"})


def test_the_size_is_bounded_while_reading(tmp_path: Path) -> None:
    """Some files grow, and those of /proc have no size."""
    (tmp_path / "x").write_bytes(b"x" * 11)
    assert len(read_file(tmp_path / "x", 11)) == 11
    with pytest.raises(FileRefused, match="is larger than"):
        read_file(tmp_path / "x", 10)
    with pytest.raises(FileRefused, match="is larger than"):
        read_file(Path("/proc/self/maps"), 10)
    os.truncate(tmp_path / "x", 1 << 40)  # with a hole, which no memory takes
    with pytest.raises(FileRefused, match="is larger than"):
        read_file(tmp_path / "x", 10)


def test_a_file_keeps_its_mode_and_its_links(tmp_path: Path) -> None:
    """A new one has the mode that the umask leaves."""
    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(0o640)
    (tmp_path / "link").symlink_to("x")
    old = os.umask(0o027)
    try:
        write_files({tmp_path / "link": b"new", tmp_path / "y": b"y"})
    finally:
        os.umask(old)
    assert (tmp_path / "link").is_symlink()
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "y").stat().st_mode) == 0o640
    assert sorted(item.name for item in tmp_path.iterdir()) == ["link", "x", "y"]


@pytest.mark.parametrize("failing", ["write", "fsync", "second"])
def test_a_full_disk_changes_nothing(failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the file that does not fit nor one before it; nothing is left beside them."""
    (tmp_path / "a").write_text("old a")
    (tmp_path / "b").write_text("old b")
    calls: list[int] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if failing == "fsync" or len(calls) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    if failing == "write":
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        try:
            with pytest.raises(WriteFailed, match=r"b: cannot be written: File too large; name another file"):
                write_files({tmp_path / "a": b"new", tmp_path / "b": b"x" * 2000})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    else:
        monkeypatch.setattr(os, "fsync", fsync)
        with pytest.raises(WriteFailed, match="cannot be written: No space left on device; free space on the disk"):
            write_files({tmp_path / "a": b"new a", tmp_path / "b": b"new b"})
    assert (tmp_path / "a").read_text() == "old a"
    assert (tmp_path / "b").read_text() == "old b"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a", "b"]


def test_a_file_that_somebody_has_changed_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    """An editor, or the same command at the same time. Nothing is written then, and nothing left behind."""
    path, other = tmp_path / "x", tmp_path / "y"
    path.write_text("old")
    seen = {path: identify(path), other: identify(other)}
    write_files({path: b"mine"}, {path: identify(path), other: None})
    with pytest.raises(WriteFailed, match="x: changed while the command ran; run it again"):
        write_files({other: b"y", path: b"theirs"}, seen)
    other.write_text("new")
    with pytest.raises(WriteFailed, match="y: changed while the command ran; run it again"):
        write_files({other: b"y"}, {other: None})
    assert (path.read_text(), other.read_text()) == ("mine", "new")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["x", "y"]


def test_a_mode_that_cannot_be_set_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network folders have no modes."""
    (tmp_path / "x").write_text("old")
    monkeypatch.setattr(Path, "chmod", lambda *_: os.open(tmp_path / "missing" / "x", os.O_RDONLY))
    with pytest.raises(WriteFailed):
        write_files({tmp_path / "x": b"new"})
    assert [item.name for item in tmp_path.iterdir()] == ["x"]


def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path: Path) -> None:
    """Its folder would allow it."""
    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(0o444)
    tmp_path.chmod(0o777)
    code = (
        "import os, sys; from pathlib import Path; from pulumi_plugchoice._files import write_files\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "write_files({Path(sys.argv[1]): b'new'})"
    )
    for folder in (tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(folder.stat().st_mode | 0o011)
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert f"{path}: cannot be written: Permission denied; name a file that you may write" in done.stderr
    assert path.read_text() == "old"
