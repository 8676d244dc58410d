"""Signatures, and the key that makes them."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from jupyter_session_save.errors import StoreError, TrustError
from jupyter_session_save.trust import Signer

posix = pytest.mark.skipif(os.name != "posix", reason="rights, links and owners as POSIX has them")


def test_only_what_was_signed_verifies() -> None:
    signer = Signer(bytes(32))
    signature = signer.sign(b"data")
    assert len(signature) == 64
    assert signer.verify(b"data", signature)
    assert not signer.verify(b"date", signature)
    assert not Signer(b"x" * 32).verify(b"data", signature)
    for wrong in ("", "é", "\ud800", signature[:-1], signature.upper()):
        assert not signer.verify(b"data", wrong)


def test_a_signature_counts_for_snapshots_only() -> None:
    import hashlib
    import hmac

    assert Signer(bytes(32)).sign(b"data") != hmac.new(bytes(32), b"data", hashlib.sha256).hexdigest()


def test_the_key_is_not_shown_and_not_short() -> None:
    assert "k" * 32 not in repr(Signer(b"k" * 32))
    with pytest.raises(ValueError, match="too short"):
        Signer(b"short")


def test_a_user_keeps_one_key(tmp_path: Path) -> None:
    first = Signer.of_user(tmp_path / "deep" / "data")
    assert Signer.of_user(tmp_path / "deep" / "data").verify(b"data", first.sign(b"data"))
    assert not Signer.of_user(tmp_path / "other").verify(b"data", first.sign(b"data"))
    assert os.listdir(tmp_path / "deep" / "data") == ["session-key"]
    assert (tmp_path / "deep" / "data" / "session-key").stat().st_size == 32


def test_it_stands_in_the_jupyter_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    Signer.of_user()
    assert (tmp_path / "jupyter" / "session-key").is_file()


@posix
def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    Signer.of_user(tmp_path)
    path = tmp_path / "session-key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for mode in (0o640, 0o604, 0o620):
        path.chmod(mode)
        with pytest.raises(TrustError, match="open to other users"):
            Signer.of_user(tmp_path)


@posix
def test_another_users_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Signer.of_user(tmp_path)
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(TrustError, match="belongs to another user"):
        Signer.of_user(tmp_path)


@posix
def test_only_a_regular_file_is_a_key(tmp_path: Path) -> None:
    Signer.of_user(tmp_path)
    path = tmp_path / "session-key"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TrustError, match="symbolic link"):
        Signer.of_user(tmp_path)
    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(TrustError, match="not a regular file"):
        Signer.of_user(tmp_path)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_damaged_key_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "session-key"
    path.write_bytes(bytes(size))
    path.chmod(0o600)
    with pytest.raises(TrustError, match="instead of 32"):
        Signer.of_user(tmp_path)


def test_a_directory_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot use the signing key") as caught:
        Signer.of_user(tmp_path / "file")
    assert caught.value.errno


@pytest.mark.parametrize("links", [True, False])
def test_processes_that_start_together_share_one_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:

        def link(source: Path, target: Path) -> None:
            raise PermissionError

        monkeypatch.setattr(os, "link", link)
        Signer.of_user(tmp_path)
    signatures: list[str] = []
    start = threading.Barrier(8)

    def run() -> None:
        start.wait()
        signatures.append(Signer.of_user(tmp_path).sign(b"data"))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(signatures) == 8
    assert len(set(signatures)) == 1
    assert os.listdir(tmp_path) == ["session-key"]
