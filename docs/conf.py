"""Sphinx configuration. Build: ``python -m sphinx -W --keep-going -b html docs docs/_build/html``; needs no network."""

import os
import sys
from pathlib import Path

# One BLAS thread and no display, before anything numerical loads: the same pages on every machine.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ["MPLBACKEND"] = "agg"

import matplotlib

matplotlib.use("agg")

import mdpkit

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]  # our extensions; benchmarks/

project = "mdpkit"
author = "The mdpkit developers"
copyright = author
version = release = mdpkit.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx-mathjax-offline",  # the module really has dashes; it serves MathJax 3 from _static/mathjax
    "_short_names",
    "_initials",
    "_benchmark_tables",
]
exclude_patterns = ["_build", "examples"]
templates_path = ["_templates"]
toc_object_entries_show_parents = "hide"
default_role = "py:obj"
nitpicky = False

# ---------------------------------------------------------------- API reference

autosummary_generate = True
autodoc_default_options = {"member-order": "bysource"}
autodoc_typehints = "none"  # numpydoc states the types
numpydoc_show_class_members = False  # the autosummary template lists them

# ---------------------------------------------------------------- gallery

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"[\\/]plot_",
    "within_subsection_order": "ExampleTitleSortKey",
    "doc_module": ("mdpkit",),
    "reference_url": {"mdpkit": None},
    "backreferences_dir": None,
    "download_all_examples": False,
    "show_signature": False,
    "show_memory": False,
    "write_computation_times": False,
    "min_reported_time": 600,  # no run times on the pages: two builds give the same bytes
    "image_srcset": ["2x"],
    "capture_repr": ("_repr_html_",),  # tables, but not the address of the last matplotlib object
    "remove_config_comments": True,
    "abort_on_example_error": True,
}

# ---------------------------------------------------------------- pages

html_theme = "pydata_sphinx_theme"
html_title = f"mdpkit {release}"
html_static_path = ["_static"]
html_css_files = ["mdpkit.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "mdpkit"},
    "navbar_align": "left",
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "header_links_before_dropdown": 6,
    "pygments_light_style": "tango",
}
# A left sidebar only where there are sections to move between; code and formulas get the width.
html_sidebars = {
    page: []
    for page in (
        "index",
        "getting_started",
        "how_to_choose",
        "reproduce",
        "run_your_own_experiment",
        "cli",
        "benchmarks",
        "changelog",
        "theory/*",
        "auto_examples/*",
    )
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True
