"""``%sso_use ... --dask``, as it is typed."""

from __future__ import annotations

import os
import sys

import pytest

from sso_magic import errors


def test_the_role_is_used_here_and_on_the_cluster_and_released_in_both(shell, signed_in, client, capsys):
    shell.run_line_magic("sso_use", "payments-prod ReadOnly --region eu-west-1 --dask")
    assert capsys.readouterr().out.splitlines()[-1].endswith("2 workers and any that join.")
    assert set(client.run(os.getenv, "AWS_ACCESS_KEY_ID").values()) == {os.environ["AWS_ACCESS_KEY_ID"]}
    shell.run_line_magic("sso_use", "payments-dev ReadOnly")
    assert set(client.run(os.getenv, "AWS_ACCESS_KEY_ID").values()) == {None}
    shell.run_line_magic("sso_use", "-")
    assert set(client.run(os.getenv, "AWS_ACCESS_KEY_ID").values()) == {os.environ["AWS_ACCESS_KEY_ID"]}
    shell.run_line_magic("sso_use", "--off")
    assert set(client.run(os.getenv, "AWS_ACCESS_KEY_ID").values()) == {None}


def test_without_a_cluster_nothing_is_used(shell, signed_in):
    with pytest.raises(
        errors.UsageError, match=r"^There is no Dask client in this kernel\. Make one first: client = dis"
    ):
        shell.run_line_magic("sso_use", "payments-prod ReadOnly --dask")
    assert "AWS_ACCESS_KEY_ID" not in os.environ


def test_dask_is_named_where_it_is_missing_and_nothing_is_used(shell, signed_in, monkeypatch):
    monkeypatch.setitem(sys.modules, "sso_magic.dask_cluster.clients", None)
    with pytest.raises(errors.UsageError, match=r'^Dask is not installed: pip install "sso-magic\[dask\]"$'):
        shell.run_line_magic("sso_use", "payments-prod ReadOnly --dask")
    assert "AWS_ACCESS_KEY_ID" not in os.environ


def test_words_may_follow_options(shell, signed_in):
    shell.run_cell("%%sso_each ReadOnly --into got payments prod\n1")
    assert list(shell.user_ns["got"]["account_name"]) == ["payments-prod", "payments-prod-eu"]
