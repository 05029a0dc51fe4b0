"""The page a browser shows when it comes back from the sign-in. It repeats nothing of the request."""

from __future__ import annotations

_WORDS = {
    "done": ("Signed in", "Your notebook has what it needs. You can close this tab."),
    "denied": ("Not signed in", "The request was denied or failed. Your notebook says how to start again."),
    "foreign": ("This is not your sign-in", "The answer does not belong to the sign-in your notebook started."),
    "missing": ("Nothing here", "This address serves one sign-in, and this is not its page."),
}
_MARKS = {"done": ("#1b7f3b", "M5 13l5 5L20 7"), "denied": ("#b3261e", "M6 6l12 12M18 6L6 18")}


def page(kind: str) -> bytes:
    """The page: ``done``, ``denied``, ``foreign`` or ``missing``."""
    title, text = _WORDS[kind]
    color, path = _MARKS.get(kind, ("#8a6100", "M12 6v8M12 18v.5"))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} - sso_magic</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-items: center;
  background: light-dark(#f4f5f7, #16181c); color: light-dark(#1c1e21, #e8eaed); }}
main {{ max-width: 26rem; margin: 1rem; padding: 2rem; border-radius: 10px; text-align: center;
  background: light-dark(#fff, #22252a); border: 1px solid light-dark(#d5d8dd, #3a3e45); }}
svg {{ width: 3.5rem; height: 3.5rem; background: {color}; border-radius: 50%; padding: .7rem;
  box-sizing: border-box; }}
h1 {{ font-size: 1.4rem; margin: 1rem 0 .3rem; }} p {{ margin: 0; }}
</style></head>
<body><main><svg viewBox="0 0 24 24" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round"
 stroke-linejoin="round" aria-hidden="true"><path d="{path}"/></svg><h1>{title}</h1><p>{text}</p></main></body></html>
""".encode()
