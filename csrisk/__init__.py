"""csrisk: churn and expansion risk in customer success, explained by goal in percentage points."""

import lazy_loader

__version__ = "0.1.0"

# what is public is declared in __init__.pyi, and imported when it is first asked for: `csrisk --help` needs no pandas
_name, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
_ROOMS = (
    *("checks", "data", "datasets", "evaluation", "exceptions", "features", "models", "monitoring", "pipeline"),
    *("report", "scale", "success", "testing"),
)
_room, *_ = lazy_loader.attach(__name__, submodules=_ROOMS)


def __getattr__(name: str) -> object:
    return _room(name) if name in _ROOMS else _name(name)
