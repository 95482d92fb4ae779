"""Sphinx configuration; everything that code already says is generated from the code."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import csrisk

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))
os.environ.pop("MPLBACKEND", None)  # a backend set for tests would leave the notebooks without their pictures

project = "csrisk"
author = "The csrisk developers"
copyright = author
release = version = csrisk.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_nb",
    "generated_pages",
    "mathml",
]
html_math_renderer = "mathml"
templates_path = ["_templates"]
exclude_patterns = ["_build", "_ext", "_templates", "generated/cli.md", "generated/config.md", "**.ipynb_checkpoints"]
root_doc = "index"

html_theme = "pydata_sphinx_theme"
html_title = "csrisk"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_sidebars = {"index": [], "**": ["globaltoc.html"]}
html_show_sourcelink = False
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "navbar_center": [],
    "secondary_sidebar_items": ["page-toc"],
}

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = False

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_merge_streams = True

shutil.copytree(HERE.parent / "notebooks", HERE / "generated" / "notebooks", dirs_exist_ok=True)
