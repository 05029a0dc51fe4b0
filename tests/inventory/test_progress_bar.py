"""The bar in a notebook is as full as the work is done, also where the total is known late, or grows."""

from __future__ import annotations

import pytest

from sso_magic.display import bar as bars


@pytest.fixture
def in_notebook(shell, monkeypatch):
    import tqdm.auto
    import tqdm.notebook

    monkeypatch.setattr(tqdm.auto, "tqdm", tqdm.notebook.tqdm)
    monkeypatch.setattr(bars, "_PAUSE", 0)
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: Handle())


class Handle:
    def update(self, *_, **__) -> None:
        pass


def test_the_bar_is_as_full_as_the_work_is_done(in_notebook):
    bar = bars.ProgressBar("{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]")
    _, drawn, _ = bar._bar.container.children
    for done, total in ((23, 100), (46, 200), (150, 200)):
        bar.show(done, total)
        assert (drawn.value, drawn.max) == (done, total)
        assert drawn.bar_style == ""
        assert drawn.layout.width is None
    bar.close()
