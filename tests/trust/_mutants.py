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


def _spots(tree: Any) -> list[tuple[dict | list, str | int]]:
    """Every place of a JSON value that holds another one."""
    spots: list[tuple[dict | list, str | int]] = []
    todo: list[Any] = [tree]
    while todo:
        node = todo.pop()
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            spots.append((node, key))
            if isinstance(value, dict | list):
                todo.append(value)
    return spots


_VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2,
        0.5,
        -0.0,
        1e-300,
        1e300,
        10**17,
        10**30,
        2**31,
        "",
        "0",
        "x" * 99,
        "\x1b[2J",
        "\ud800",
    ),
    *([], {}, [[]], [None], {"__class__": "os.system"}, ["accounts"], "2025-01-01", "../../x", "1D", [1, 2, 3]),
)


def forged_value_in_json(members: Members, chance: random.Random) -> Members:
    """A value of another kind, or another value, somewhere in the JSON."""
    name = _one(members, ".json", chance)
    tree = json.loads(members[name])
    node, key = chance.choice(_spots(tree))
    old = node[key]
    near = (
        [old * 2, old + 1, -old]
        if type(old) in (int, float)
        else [old[:-1], old * 2]
        if isinstance(old, str | list)
        else []
    )
    node[key] = chance.choice([*near, *chance.sample(_VALUES, 5)])
    return {**members, name: json.dumps(tree).encode()}


def forged_keys_of_json(members: Members, chance: random.Random) -> Members:
    """A key lost, added, renamed, or in another place; a list longer or shorter."""
    name = _one(members, ".json", chance)
    tree = json.loads(members[name])
    node = chance.choice(
        [tree, *(node[key] for node, key in _spots(tree) if node[key] and isinstance(node[key], dict | list))]
    )
    how = chance.randrange(4)
    if isinstance(node, list):
        place = chance.randrange(len(node))
        node[place : place + 1] = ([], [node[place]] * 2, [node[place], None], node[place:][::-1])[how]
    else:
        key = chance.choice(sorted(node))
        value = node.pop(key) if how else None
        if how != 1:
            node[("more", key, key + "_", chance.choice(sorted(node) or ["x"]))[how]] = value
    return {**members, name: json.dumps(tree).encode()}


def forged_key_twice(members: Members, chance: random.Random) -> Members:
    name = _one(members, ".json", chance)
    keys = list(re.finditer(rb'"[^"]{1,60}": ', members[name]))
    spot = chance.choice(keys)
    return {**members, name: members[name][: spot.start()] + spot.group() + b"0, " + members[name][spot.start() :]}


def forged_facts(members: Members, chance: random.Random) -> Members:
    """What the record says of the training: fewer tables, another day, other figures."""
    tree = json.loads(members["record.json"])
    facts = tree["facts"]
    key = chance.choice(sorted(facts))
    others = {
        "tables": facts["tables"][:-1],
        "trained at": "2031-01-01",
        "end of the data": "2020-02-30",
        "features": 3,
    }
    facts[key] = chance.choice([others.get(key, "0"), chance.choice(_VALUES)])
    return {**members, "record.json": json.dumps(tree).encode()}


def forged_numbers_of_a_tree(members: Members, chance: random.Random) -> Members:
    """Trees whose numbers obey the grammar, or nearly."""
    name = _one(members, ".txt", chance)
    lines = members[name].decode().split("\n")
    place = chance.choice([n for n, line in enumerate(lines) if "=" in line and any(c.isdigit() for c in line)])
    key, _, values = lines[place].partition("=")
    parts = values.split(" ")
    one, other = chance.randrange(len(parts)), chance.randrange(len(parts))
    how = chance.randrange(5)
    if how == 0:
        parts[one], parts[other] = parts[other], parts[one]
    elif how == 1:
        parts[one] = str(chance.randint(-5, 300))
    elif how == 2:
        parts[one] = repr(chance.gauss(0, 100))
    elif how == 3:
        parts.append(parts[one])
    else:
        parts = parts[:-1]
    lines[place] = f"{key}={' '.join(parts)}"
    return {**members, name: "\n".join(lines).encode()}


def forged_tree_moved(members: Members, chance: random.Random) -> Members:
    """A tree that is lost, given twice, or in another place."""
    name = _one(members, ".txt", chance)
    head, *trees = members[name].decode().removesuffix("\n\nend of trees\n").split("\n\nTree=")
    place = chance.randrange(len(trees))
    trees[place : place + 1] = chance.choice(([], [trees[place]] * 2, trees[place:][::-1], [trees[0]]))
    if chance.random() < 0.5:
        trees = [f"{n}\n{tree.partition(chr(10))[2]}" for n, tree in enumerate(trees)]
    return {**members, name: ("\n\nTree=".join([head, *trees]) + "\n\nend of trees\n").encode()}


def forged_numbers_of_an_array(members: Members, chance: random.Random) -> Members:
    name = _one(members, ".npy", chance)
    array = np.load(io.BytesIO(members[name]))
    flat = array.reshape(-1)
    for _ in range(chance.choice((1, 1, 5))):
        place = chance.randrange(flat.size)
        flat[place] = chance.choice(
            [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e308, 5e-324, flat[place] + 1, chance.gauss(0, 9)]
        )
    array = chance.choice([array, array, array[::-1], array[:-1], array[:0], array.T, array[..., None]])
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), version=(1, 0))
    return {**members, name: buffer.getvalue()}


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
            ("schema", 1),
            ("schema", 3),
            ("csrisk", None),
            ("csrisk", "99.0"),
            ("more", 1),
            ("members", {}),
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
    return {**members, name: bytes([chance.choice(b"0[ \n\x00")]) * chance.choice((2**16, 2**20, 9 * 2**20))}


def forged_repetition(members: Members, chance: random.Random) -> Members:
    """A small file that unpacks to long lists: in a tree, in JSON, in the header."""
    name = _one(members, chance.choice((".txt", ".txt", ".json")), chance)
    content = members[name]
    spot = chance.choice(list(re.finditer(rb"[ ,\n]", content)))
    part = content[max(0, spot.start() - chance.randint(1, 30)) : spot.end()]
    times = chance.choice((1000, 100_000))
    return {**members, name: content[: spot.end()] + (part * times)[: 3 * 2**20] + content[spot.end() :]}


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
    forged_repetition,
    forged_keys_of_json,
    forged_key_twice,
    forged_facts,
    forged_numbers_of_a_tree,
    forged_tree_moved,
    forged_numbers_of_an_array,
)


def zip_forged(whole: bytes, chance: random.Random) -> bytes:
    """Words of the zip that lie: of an entry, of the member before it, of the end."""
    marks = {b"PK\3\4": 30, b"PK\1\2": 46, b"PK\5\6": 22}
    content = bytearray(whole)
    for _ in range(chance.choice((1, 1, 2, 3))):
        mark = chance.choice(sorted(marks))
        spots = [spot.start() for spot in re.finditer(re.escape(mark), whole)]
        place = chance.choice(spots) + chance.randrange(4, marks[mark])
        width = chance.choice((1, 2, 4))
        value = chance.choice((0, 1, 8, 9, 12, 14, 93, 99, 0xFFFF, 2**31, 2**32 - 1, chance.randrange(len(whole))))
        content[place : place + width] = (value % 256**width).to_bytes(width, "little")
    return bytes(content)


def zip_rearranged(whole: bytes, chance: random.Random) -> bytes:
    """Honest members in a zip that another tool wrote: in another order, stored, packed otherwise, with a comment."""
    members = unpack(whole)
    names = chance.sample(sorted(members), len(members))
    buffer = io.BytesIO()
    method = chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name in names:
            archive.writestr(name, members[name])
        archive.comment = chance.choice((b"", b"", b"comment"))
    return buffer.getvalue()


KINDS: dict[str, tuple[Callable[..., Any], ...]] = {
    "damages": DAMAGES,
    "forgeries": FORGERIES,
    "both": (*DAMAGES, *FORGERIES),
    # each kind of forgery as often as the next one, with the zip itself among them
    "structure": (*FORGERIES, zip_forged, zip_rearranged, flipped, edited),
}
_OF_BYTES = (*DAMAGES, zip_forged, zip_rearranged)


def mutant(whole: bytes, seed: int, kinds: tuple[Callable[..., Any], ...] = KINDS["both"]) -> tuple[str, bytes]:
    """A mutant by its number: the kind in turn, the rest by chance."""
    kind, chance = kinds[seed % len(kinds)], random.Random(seed)
    if kind in _OF_BYTES:
        return kind.__name__, kind(whole, chance)
    return kind.__name__, pack(kind(unpack(whole), chance), rehash=True)
