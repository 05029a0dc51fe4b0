"""How `make docs` builds the site: Sphinx, of the pages and notebooks in the folder above and of docstrings.

No page loads anything from the network, and every warning, such as a link that leads nowhere, is an error.
"""

project = "sso_magic"
author = "The sso_magic developers"
root_doc = "index"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["**/.ipynb_checkpoints"]

html_theme = "furo"
html_title = "sso_magic"
html_copy_source = False
html_show_sphinx = False

nb_execution_mode = "off"  # the outputs are those that the tests compare
nb_ipywidgets_js = {}  # would be loaded from elsewhere
nb_mime_priority_overrides = [("html", "text/html", 0)]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["mystnb.unknown_mime_type", "misc.highlighting_failure"]

default_role = "code"
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True

REPOSITORY = "https://github.com/sso-magic/sso-magic/blob/main/"
RAW = "https://raw.githubusercontent.com/sso-magic/sso-magic/main/"
# Pages of the site that are files outside of the notebooks, which link to them on GitHub.
OUTSIDE = {
    "sso_magic/client/REFERENCE.md": "/site/clients.md",
    "sso_magic/client/PROTOCOL.md": "/site/protocol.md",
    "tests/compat/README.md": "/site/libraries.md",
    "SECURITY.md": "/site/security.md",
    "CHANGELOG.md": "/site/changes.md",
}

# The order of the pages, for the site alone: in JupyterLab, index.md is a page like the others.
PAGES = """
```{toctree}
:hidden:
:caption: Guides

quickstart
sign_in
libraries
many_accounts
panel
python
scheduled_runs
local_identity_center
testing
network
```

```{toctree}
:hidden:
:caption: Reference

magics
troubleshooting
caches
site/api
site/clients
site/protocol
site/libraries
site/security
comparison
site/changes
```
"""


def prepare(app, docname, source):
    """Let links stay in the site, and add the tables of contents to the first page."""
    for path, page in OUTSIDE.items():
        source[0] = source[0].replace(f"({REPOSITORY}{path}", f"({page}")
    source[0] = source[0].replace(f"({RAW}", "(/../")
    if docname == root_doc:
        source[0] += PAGES


def setup(app):
    """Register what Sphinx calls."""
    app.connect("source-read", prepare)
