"""Settings of the documentation site, see build.py."""

from __future__ import annotations

project = "asm.lanes"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
html_theme = "sphinx_ansible_theme"
html_title = "asm.lanes"
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"display_version": False, "topbar_links": {}}
nitpicky = False
# References to other collections are links to their own sites, which is not known without the network.
suppress_warnings = ["ref.ref", "ref.any", "ref.envvar"]
# Mermaid is drawn where Markdown is shown; the site shows its text.
suppress_warnings += ["misc.highlighting_failure"]
