"""The browser of the sign-in tests."""

from __future__ import annotations

import threading

import pytest
import requests


@pytest.fixture
def fetching_browser(monkeypatch):
    """Stands in for the browser: opens the page on a thread, follows it, and keeps the answers."""
    pages, threads = [], []

    def visit(url):
        pages.append(requests.get(url, timeout=10))

    def open_page(url):
        thread = threading.Thread(target=visit, args=(url,))
        thread.start()
        threads.append(thread)
        return True

    monkeypatch.setattr("webbrowser.open", open_page)
    yield pages
    for thread in threads:
        thread.join()
