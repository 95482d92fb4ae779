"""The container: what it holds comes back, and whatever was changed is refused before anybody reads it."""

from __future__ import annotations

import hashlib
import io
import json
import random
import stat
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from csrisk._atomic import atomic_path, write_atomically
from csrisk._pipeline import _archive
from csrisk._pipeline._archive import array_from_bytes, array_to_bytes, read_archive, write_archive
from csrisk.exceptions import ModelFileError

if TYPE_CHECKING:
    from pathlib import Path

MEMBERS = {"model.json": b"{}", "trees/000.txt": b"tree", "arrays/reference.npy": b"\x00\x01"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "m.csrisk"
    write_archive(path, MEMBERS)
    return path


def rewrite(path: Path, change: dict[str, bytes | None], *, rehash: bool = True) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members.update({name: content for name, content in change.items() if content is not None})
    members = {name: content for name, content in members.items() if change.get(name, b"") is not None}
    if rehash and "manifest.json" not in change:
        manifest = json.loads(members["manifest.json"])
        manifest["members"] = {
            name: hashlib.sha256(content).hexdigest() for name, content in members.items() if name != "manifest.json"
        }
        members["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_round_trip_same_bytes_same_hash(file: Path, tmp_path: Path) -> None:
    assert read_archive(file) == MEMBERS
    told = write_archive(tmp_path / "again.csrisk", dict(reversed(MEMBERS.items())))
    assert (tmp_path / "again.csrisk").read_bytes() == file.read_bytes()
    assert read_archive(file, expected_sha256=told.upper()) == MEMBERS
    with pytest.raises(ModelFileError, match=r"sha256 is .* expected 00; do not use it"):
        read_archive(file, expected_sha256="00")


CHANGES = [
    ({"model.json": b"{ }"}, False, "member 'model.json' does not match its hash"),
    ({"model.json": None}, False, "its manifest lists other members than it holds"),
    ({"extra.json": b"{}"}, False, "its manifest lists other members than it holds"),
    ({"../../evil.json": b""}, True, "1 of 5 members have names that no csrisk model has"),
    ({"model.pkl": b"\x80\x04."}, True, "1 of 5 members have names that no csrisk model has"),
    ({"manifest.json": None}, False, "its manifest is missing"),
    ({"manifest.json": b"[" * 100_000}, False, "its manifest is missing or unreadable"),
    ({"manifest.json": b'{"format": "x", "schema": 1, "members": {}}'}, False, "not that of a csrisk model"),
    (
        {"manifest.json": b'{"format": "csrisk model", "schema": 99, "members": {}}'},
        False,
        r"written by an unknown release of csrisk \(schema 99\), .* needs a later csrisk",
    ),
]


@pytest.mark.parametrize(("change", "rehash", "message"), CHANGES)
def test_changes_are_refused(file: Path, change: dict[str, bytes | None], rehash: bool, message: str) -> None:
    rewrite(file, change, rehash=rehash)
    with pytest.raises(ModelFileError, match=message):
        read_archive(file)


def test_a_bomb_is_refused_before_it_is_unpacked(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rewrite(file, {"model.json": b"0" * 100_000})
    monkeypatch.setattr(_archive, "MAX_MEMBER", 50_000)
    with pytest.raises(ModelFileError, match=r"unpacks to .* more than allowed"):
        read_archive(file)
    monkeypatch.setattr(_archive, "MAX_FILE", 100)
    with pytest.raises(ModelFileError, match="more than the 100 allowed"):
        read_archive(file)


def test_each_bound_is_the_last_size_that_is_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(file) as archive:
        manifest = archive.getinfo("manifest.json").file_size
    exact = {"MAX_FILE": file.stat().st_size, "MAX_MEMBER": 4, "MAX_TOTAL": 2 + 4 + 2, "MAX_TEXT": manifest}
    for name, bound in exact.items():
        monkeypatch.setattr(_archive, name, bound)
    assert read_archive(file) == MEMBERS
    for name, bound in exact.items():
        monkeypatch.setattr(_archive, name, bound - 1)
        with pytest.raises(ModelFileError, match=r"allowed|its manifest is missing"):
            read_archive(file)
        monkeypatch.setattr(_archive, name, bound)


def test_the_bounds_are_those_that_are_promised() -> None:
    """SECURITY.md and docs/model_file.md state them."""
    told = (_archive.MAX_FILE, _archive.MAX_MEMBER, _archive.MAX_TOTAL, _archive.MAX_MEMBERS, _archive.MAX_TREES)
    assert told == (128 * 2**20, 64 * 2**20, 192 * 2**20, 500, 100_000)


@pytest.mark.parametrize("shape", ["(0, -1)", "(-1, 0)", "(-2, -3)", "(-6,)"])
def test_an_array_of_less_than_nothing_is_refused(shape: str) -> None:
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    for rows in (b"", bytes(48)):
        with pytest.raises(ModelFileError, match="an array"):
            array_from_bytes(content + rows, "a")


def test_an_array_of_nothing_comes_back() -> None:
    assert array_from_bytes(array_to_bytes(np.empty((0, 3))), "a").shape == (0, 3)


def test_members_given_twice_are_refused(file: Path) -> None:
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("model.json", b"{}")
    with pytest.raises(ModelFileError, match="5 members, 4 different"):
        read_archive(file)


def test_files_that_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"'absent.csrisk' cannot be read: No such file"):
        read_archive(tmp_path / "absent.csrisk")
    (tmp_path / "text.csrisk").write_bytes(b"hello")
    with pytest.raises(ModelFileError, match="not a readable zip"):
        read_archive(tmp_path / "text.csrisk")


def test_every_flipped_byte_is_refused_or_harmless(file: Path) -> None:
    whole, chance = file.read_bytes(), random.Random(0)
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        file.write_bytes(bytes(damaged))
        try:
            assert read_archive(file) == MEMBERS
        except ModelFileError:
            continue


def test_arrays_come_back_and_lies_are_refused() -> None:
    array = np.array([[1.0, np.nan], [np.inf, -0.0], [2.0, 3.0]])
    np.testing.assert_array_equal(array_from_bytes(array_to_bytes(array), "a"), array)
    whole = array_to_bytes(array)
    for content in (
        whole[:-8],
        whole.replace(b"(3, 2)", b"(9, 9)"),
        b"",
        b"\x93NUMPY\x03\x00",
        array_to_bytes(array.T),
    ):
        if content != array_to_bytes(array.T):
            with pytest.raises(ModelFileError, match="an array"):
                array_from_bytes(content, "a")
    pickled = io.BytesIO()
    np.save(pickled, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ModelFileError, match="an array is not float64"):
        array_from_bytes(pickled.getvalue(), "a")


def test_writing_is_whole_or_nothing(tmp_path: Path) -> None:
    target = tmp_path / "out[1].txt"
    write_atomically(target, b"one")
    assert target.read_bytes() == b"one"
    assert stat.S_IMODE(target.stat().st_mode) & 0o600 == 0o600
    with pytest.raises(TypeError, match="bytes"):
        write_atomically(target, "text is not bytes")  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError, match="part"), atomic_path(target) as part:
        part.unlink()
    assert target.read_bytes() == b"one"
    assert [path.name for path in tmp_path.iterdir()] == ["out[1].txt"]
