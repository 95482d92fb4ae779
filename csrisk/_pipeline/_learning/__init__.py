"""Training: the panel, the forward test, the models, and what is kept for later."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
