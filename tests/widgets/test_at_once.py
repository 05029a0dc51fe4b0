"""Panels, magics and threads see each other's changes; callbacks that come at once lose nothing."""

from __future__ import annotations

import os
import threading
import time

from panel_screen import Screen

from sso_magic.kernel.kernel_role import KERNEL


def test_what_a_magic_uses_and_releases_is_shown(open_panel, ready, shell):
    screen = open_panel()
    shell.run_line_magic("sso_use", "ml-sandbox")
    screen.until(lambda: "In use: ml-sandbox" in screen.role)
    screen.until(lambda: any("(recent, in use)" in line or "(in use)" in line for line in screen.lines))
    shell.run_line_magic("sso_use", "--off")
    screen.until(lambda: screen.role == "No role is in use.")


def test_two_panels_show_the_same(open_panel, center):
    one, other = open_panel(), open_panel()
    one.sign_in_at(center)
    other.until(lambda: "Signed in until" in other.sign_in and len(other.lines) == 28)
    one.use("ml-sandbox")
    other.until(lambda: "In use: ml-sandbox" in other.role)
    other.press("Release")
    other.finish()
    one.until(lambda: one.role == "No role is in use.")
    one.press("Sign out")
    one.finish()
    other.until(lambda: other.sign_in == "Not signed in.")


def test_a_switch_is_shown_within_the_beat_it_is_told_of(open_panel, ready):
    screen = open_panel()
    beats = []
    screen.panel._pulse._beat = lambda: beats.append(time.monotonic())
    screen.until(lambda: beats)  # the next regular one: a second is left until another
    beats.clear()
    began = time.monotonic()
    KERNEL.release()
    screen.until(lambda: beats)
    assert beats[0] - began < 0.9


def test_an_account_signed_in_to_by_another_program_is_shown(open_panel, center, clean_environment):
    from jupyter_in_browser import plant_token

    screen = open_panel()
    plant_token(clean_environment, center)
    screen.until(lambda: "Signed in until" in screen.sign_in)


def test_many_callbacks_at_once_end_where_the_last_one_led(open_panel, ready):
    screen = open_panel()
    errors: list[BaseException] = []
    start = threading.Barrier(8)

    def hammer(number: int) -> None:
        try:
            start.wait()
            for round_ in range(20):
                screen.type("payments" if (round_ + number) % 2 else "web-shop")
                screen.press("Use")
                screen.press("Favorite")
                screen.press("Release")
                screen.panel.look()
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=hammer, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    screen.finish()
    assert errors == []
    assert not screen.is_error
    screen.use("ml-sandbox")
    assert os.environ["AWS_ACCOUNT_ID"] == "873320164592"
    screen.until(lambda: "In use: ml-sandbox" in screen.role)
    assert screen.chosen == "ml-sandbox · PowerUserAccess · 873320164592 (in use)"
    assert [line for line in screen.lines if "in use" in line] == [screen.chosen]


def test_callbacks_that_come_at_once_are_done_one_after_another(open_panel, ready, monkeypatch):
    screen = open_panel()
    at_once, most = [], []
    fill = screen.panel._listing.fill

    def watched() -> None:
        at_once.append(1)
        most.append(len(at_once))
        time.sleep(0.02)
        fill()
        at_once.pop()

    monkeypatch.setattr(screen.panel._listing, "fill", watched)
    threads = [threading.Thread(target=screen.send, args=("hello",)) for _ in range(6)]
    threads += [threading.Thread(target=screen.panel.look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) > 2
    assert max(most) == 1


def test_a_callback_that_fails_becomes_the_status_line(open_panel, ready, monkeypatch, capsys):
    screen = open_panel()
    monkeypatch.setattr(screen.panel._listing, "toggle_favorite", lambda _: 1 / 0)
    screen.type("pay")
    screen.press("Favorite")
    assert screen.is_error
    assert "ZeroDivisionError" in screen.status
    assert capsys.readouterr().err == ""


def test_a_closed_panel_leaves_no_thread_and_hears_nothing(open_panel, ready, shell):
    screen = open_panel()
    screen.press("Sign out")
    screen.finish()
    screen.press("Sign in")
    ready.wait_for_pending()
    screen.panel.close()
    screen.until(lambda: not any(thread.name.startswith("sso-panel") for thread in threading.enumerate()))
    shell.run_cell("1")
    KERNEL.release()
    assert not screen.panel._view.has_widget


def test_the_panel_works_without_the_extension(center, clean_environment, shell):
    from jupyter_in_browser import plant_inventory, plant_token

    from sso_magic import Panel

    plant_token(clean_environment, center)
    plant_inventory(clean_environment, center)
    screen = Screen(Panel())
    screen.type("web-shop-prod readonly")
    assert screen.is_chosen_production
    screen.press("Use")
    screen.finish()
    assert screen.status.startswith("Using web-shop-prod")
    screen.panel.close()
