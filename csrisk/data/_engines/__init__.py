"""The engines that hold tables and run the rules: DuckDB, and tables of other libraries."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
