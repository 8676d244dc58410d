"""Any text names a session, and no two names meet on any disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_session_save.errors import SessionNameError
from jupyter_session_save.names import parse_snapshot_key, quote, snapshot_key, unquote
from jupyter_session_save.repository import Repository
from jupyter_session_save.store import LocalStore, MemoryStore

from .repositories import SMALL, path, save


@pytest.fixture(params=["local", "memory"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    if request.param == "memory":
        return Repository(MemoryStore())
    return Repository.open(tmp_path / "store")


class TestNames:
    NAMES = (
        "sales", "Sales", "SALES", "a b", "a/b", "a\\b", "..", ".", "...", ".hidden", "end.", "con", "CON",
        "con.txt", "nul", "com1", "é", "日本", "😀", "%41", "%", "a@b", "a@7b", "~", "*", "?", "-x", " x",
        "x.json", "a'b", 'a"b', "<b>",
    )  # fmt: skip

    @pytest.mark.parametrize("name", NAMES)
    def test_any_name_makes_a_session(self, repository: Repository, name: str) -> None:
        snapshot = save(repository, name, {"a": SMALL})
        assert repository.names() == [name]
        assert repository.resolve(name) == snapshot
        if isinstance(repository.store, LocalStore):
            assert len(list(path(repository, "sessions").iterdir())) == 1
        assert repository.delete(name) == 1

    def test_no_two_share_a_directory(self) -> None:
        quoted = {quote(name).casefold() for name in self.NAMES}
        assert len(quoted) == len(self.NAMES)
        assert not quoted & {"con", "nul", "com1", "con.txt", ".", ".."}

    @given(st.text(max_size=30))
    def test_quoting_can_be_undone(self, name: str) -> None:
        import unicodedata

        try:
            quoted = quote(name)
        except SessionNameError:
            return
        assert unquote(quoted) == unicodedata.normalize("NFC", name)
        assert parse_snapshot_key(snapshot_key(name, 3)) == (unicodedata.normalize("NFC", name), 3)
        assert quoted.isascii()

    def test_both_forms_of_an_accent_are_one_name(self, repository: Repository) -> None:
        save(repository, "caf\u00e9", {})
        assert repository.resolve("cafe\u0301").sequence == 1

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("", "empty"),
            ("  ", "empty"),
            ("a\nb", "control character"),
            ("a\0", "control character"),
            ("\ud800", "control character"),
            ("sales@7", "version"),
            ("x" * 300, "300 bytes.*200 are allowed; give a shorter one"),
            ("日" * 30, "270 bytes"),
        ],
    )
    def test_what_cannot_be_a_name(self, repository: Repository, name: str, reason: str) -> None:
        for use in (quote, repository.resolve, repository.versions, repository.delete):
            with pytest.raises(SessionNameError, match=reason) as caught:
                use(name)
            assert "\n" not in str(caught.value)
        with pytest.raises(SessionNameError, match=reason):
            save(repository, name, {"a": b"1"})
