"""What a trained pipeline hands out: scores, reports, and the checks before and after."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
