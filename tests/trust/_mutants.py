"""Mutants of a model file: damaged as disks and networks do, and forged by somebody who recomputes the hashes."""

from __future__ import annotations

import hashlib
import io
import json
import random
import re
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

Members = dict[str, bytes]


def unpack(content: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(members: Members, *, rehash: bool, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of members; with `rehash` the manifest tells the truth about them."""
    if rehash and "manifest.json" in members:
        manifest = json.loads(members["manifest.json"])
        manifest["members"] = {n: hashlib.sha256(c).hexdigest() for n, c in members.items() if n != "manifest.json"}
        members = {**members, "manifest.json": json.dumps(manifest).encode()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _flip(content: bytes, chance: random.Random, bits: int = 1) -> bytes:
    damaged = bytearray(content)
    for _ in range(bits):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def _edit(content: bytes, chance: random.Random) -> bytes:
    """Insert, delete, repeat or overwrite a few bytes."""
    place, length = chance.randrange(len(content)), chance.randint(1, 12)
    how = chance.randrange(4)
    if how == 0:
        return content[:place] + chance.randbytes(length) + content[place:]
    if how == 1:
        return content[:place] + content[place + length :]
    if how == 2:
        return content[:place] + content[place : place + length] * 2 + content[place + length :]
    return (
        content[:place]
        + bytes(chance.choice(b'0123456789-+.e= \n[]{},"naif') for _ in range(length))
        + content[place + length :]
    )


def truncated(whole: bytes, chance: random.Random) -> bytes:
    return whole[: chance.randrange(len(whole))]


def flipped(whole: bytes, chance: random.Random) -> bytes:
    return _flip(whole, chance, chance.choice((1, 1, 1, 2, 8)))


def edited(whole: bytes, chance: random.Random) -> bytes:
    return _edit(whole, chance)


def blanked(whole: bytes, chance: random.Random) -> bytes:
    """A block of zeros, as a disk leaves it behind."""
    place, size = chance.randrange(len(whole)), chance.choice((16, 512, 4096))
    return whole[:place] + bytes(len(whole[place : place + size])) + whole[place + size :]


def shuffled(whole: bytes, chance: random.Random) -> bytes:
    """Two blocks in each other's place."""
    size = min(512, len(whole) // 4)
    a, b = sorted(chance.sample(range(0, len(whole) - size, size), 2))
    return whole[:a] + whole[b : b + size] + whole[a + size : b] + whole[a : a + size] + whole[b + size :]


def padded(whole: bytes, chance: random.Random) -> bytes:
    junk = chance.randbytes(chance.randint(1, 2000))
    return chance.choice((whole + junk, junk + whole, whole + whole))


def member_damaged(whole: bytes, chance: random.Random) -> bytes:
    """One member damaged and the zip in order, so that only the hash can tell."""
    members = unpack(whole)
    name = chance.choice(sorted(members))
    return pack({**members, name: _flip(members[name], chance)}, rehash=False)


def member_lost(whole: bytes, chance: random.Random) -> bytes:
    members = unpack(whole)
    del members[chance.choice(sorted(members))]
    return pack(members, rehash=False)


def members_swapped(whole: bytes, chance: random.Random) -> bytes:
    members = unpack(whole)
    a, b = chance.sample(sorted(members), 2)
    return pack({**members, a: members[b], b: members[a]}, rehash=False)


DAMAGES = (truncated, flipped, edited, blanked, shuffled, padded, member_damaged, member_lost, members_swapped)

_NUMBER = re.compile(rb"-?\d+(\.\d+)?(e[+-]?\d+)?")
_ODD = (
    b"0",
    b"-1",
    b"1e308",
    b"-1e308",
    b"1e-320",
    b"99999999999",
    b"nan",
    b"inf",
    b"-inf",
    b"0x7f",
    b"",
    b"2147483648",
    b"1" * 400,
)
_EVIL_NAMES = (
    "../../evil.json",
    "/etc/passwd",
    "trees/../../x.txt",
    "C:\\evil.json",
    "model.pkl",
    "model.joblib",
    "__init__.py",
    "arrays/evil.npz",
    "trees/000.txt\x00.json",
    "a" * 60_000 + ".json",
    "manifest.json/",
    "\uff4danifest.json",
)


def _one(members: Members, ending: str, chance: random.Random) -> str:
    """Choose a member; JSON has something in it that can be changed."""
    fit = [name for name in sorted(members) if name.endswith(ending) and name != "manifest.json"]
    return chance.choice([name for name in fit if ending != ".json" or members[name] != b"{}"])


def _number_changed(content: bytes, chance: random.Random) -> bytes:
    spot = chance.choice(list(_NUMBER.finditer(content)))
    return content[: spot.start()] + chance.choice(_ODD) + content[spot.end() :]


def forged_number_in_json(members: Members, chance: random.Random) -> Members:
    name = _one(members, ".json", chance)
    return {**members, name: _number_changed(members[name], chance)}


def forged_number_in_trees(members: Members, chance: random.Random) -> Members:
    name = _one(members, ".txt", chance)
    return {**members, name: _number_changed(members[name], chance)}


def forged_text_of_trees(members: Members, chance: random.Random) -> Members:
    name = _one(members, ".txt", chance)
    return {**members, name: _edit(members[name], chance)}


def forged_json(members: Members, chance: random.Random) -> Members:
    name = _one(members, ".json", chance)
    return {**members, name: _edit(members[name], chance)}


def forged_value_in_json(members: Members, chance: random.Random) -> Members:
    """A value of another kind somewhere in the JSON."""
    name = _one(members, ".json", chance)
    tree = json.loads(members[name])
    spots: list[tuple[dict | list, str | int]] = []
    todo: list[dict | list] = [tree]
    while todo:
        node = todo.pop()
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            spots.append((node, key))
            if isinstance(value, dict | list):
                todo.append(value)
    node, key = chance.choice(spots)
    node[key] = chance.choice([None, True, -1, 1e300, 10**30, "", "x" * 99, [], {}, [[]], {"__class__": "os.system"}])
    return {**members, name: json.dumps(tree).encode()}


def forged_array(members: Members, chance: random.Random) -> Members:
    name = _one(members, ".npy", chance)
    return {**members, name: chance.choice((_flip, _edit))(members[name], chance)}


def forged_header_of_array(members: Members, chance: random.Random) -> Members:
    name = _one(members, ".npy", chance)
    content = members[name]
    old, new = chance.choice(
        [
            (b"'<f8'", b"'|O8'"),
            (b"'<f8'", b"'<f4'"),
            (b"False", b"True "),
            (b"(", b"(-"),
            (b"(", b"(9"),
            (b"\x01\x00", b"\x03\x00"),
            (b"{'descr'", b"__import__('os')"),
        ]
    )
    return {**members, name: content.replace(old, new, 1)}


def forged_pickle(members: Members, chance: random.Random) -> Members:
    """An array of objects, whose pickle would run a command."""
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            import os

            return os.system, ("touch pwned",)

    array = np.empty(1, dtype=object)
    array[0] = Evil()
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=True)
    content = chance.choice((buffer.getvalue(), pickle.dumps(Evil())))
    return {**members, chance.choice(sorted(set(members) - {"manifest.json"})): content}


def forged_name(members: Members, chance: random.Random) -> Members:
    return {**members, chance.choice(_EVIL_NAMES): b"evil"}


def forged_member_lost(members: Members, chance: random.Random) -> Members:
    lost = _one(members, "", chance)
    return {name: content for name, content in members.items() if name != lost}


def forged_members_swapped(members: Members, chance: random.Random) -> Members:
    ending = chance.choice((".txt", ".npy", ".json"))
    a, b = _one(members, ending, chance), _one(members, ending, chance)
    return {**members, a: members[b], b: members[a]}


def forged_manifest(members: Members, chance: random.Random) -> Members:
    manifest = json.loads(members["manifest.json"])
    key, value = chance.choice(
        [
            ("schema", 0),
            ("schema", 2),
            ("schema", -1),
            ("schema", True),
            ("schema", "1"),
            ("schema", None),
            ("format", "other"),
            ("format", None),
            ("schema", 1.0),
        ]
    )
    return {**members, "manifest.json": json.dumps({**manifest, key: value}).encode()}


def forged_bomb(members: Members, chance: random.Random) -> Members:
    """A member that unpacks to far more than a model has."""
    name = chance.choice(sorted(set(members) - {"manifest.json"}))
    return {**members, name: bytes([chance.choice(b"0[ \n\x00")]) * chance.choice((2**20, 40 * 2**20))}


FORGERIES: tuple[Callable[[Members, random.Random], Members], ...] = (
    forged_number_in_json,
    forged_number_in_trees,
    forged_text_of_trees,
    forged_json,
    forged_value_in_json,
    forged_array,
    forged_header_of_array,
    forged_pickle,
    forged_name,
    forged_member_lost,
    forged_members_swapped,
    forged_manifest,
    forged_bomb,
)


KINDS: dict[str, tuple[Callable[..., Any], ...]] = {
    "damages": DAMAGES,
    "forgeries": FORGERIES,
    "both": (*DAMAGES, *FORGERIES),
}


def mutant(whole: bytes, seed: int, kinds: tuple[Callable[..., Any], ...] = KINDS["both"]) -> tuple[str, bytes]:
    """A mutant by its number: the kind in turn, the rest by chance."""
    kind, chance = kinds[seed % len(kinds)], random.Random(seed)
    if kind in DAMAGES:
        return kind.__name__, kind(whole, chance)
    return kind.__name__, pack(kind(unpack(whole), chance), rehash=True)
