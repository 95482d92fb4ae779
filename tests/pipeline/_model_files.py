"""Model files taken apart and put together with honest hashes."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

RELEASES = Path(__file__).parent / "releases"
Members = dict[str, bytes]


def unpacked(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(content: Members, path: Path, **told: Any) -> Path:
    """Write members with honest hashes; `told` changes the manifest, None takes a key away."""
    hashes = {name: hashlib.sha256(part).hexdigest() for name, part in content.items() if name != "manifest.json"}
    manifest = {**json.loads(content["manifest.json"]), "members": hashes, **told}
    kept = json.dumps({key: value for key, value in manifest.items() if value is not None}).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in {**content, "manifest.json": kept}.items():
            archive.writestr(name, part)
    return path
