"""``%sso_use --pin`` and ``--pinned``, and the check that the role in use is the one that the notebook is pinned to.

With a person, another role is a warning. Without one (papermill, nbclient), ``%sso_use`` refuses it, and a cell that
would begin with it is refused. ``%%sso_as``, ``%%sso_each`` and blocks name their role for their own lines: they are
not checked.
"""

from __future__ import annotations

import ast
import os
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from sso_magic.common.output import has_person
from sso_magic.errors import UsageError
from sso_magic.kernel.kernel_role import KERNEL
from sso_magic.notebook.identity_record import recorder
from sso_magic.notebook.pin import Pin, pinned_notebook

if TYPE_CHECKING:
    import argparse

    from sso_magic.kernel.kernel_role import Use
    from sso_magic.magics.family import Magics


_REFUSAL = "__import__('sso_magic.magics.pinned', fromlist=['raise_refusal']).raise_refusal({!r})"


def raise_refusal(message: str) -> None:
    """Raise the error of a cell that is refused; the cell that runs in its place calls it.

    Raises:
        UsageError: Always.
    """
    raise UsageError(message)


def read(magics: Magics, args: argparse.Namespace) -> None:
    """Check the arguments of ``--pin`` and ``--pinned``, before anything is used, and fill in what is pinned.

    Raises:
        UsageError: ``--pinned`` has an account or ``--pin`` beside it, the notebook is not known, or it has no pin.
    """
    writer = recorder()
    if not args.pinned:
        if writer is None:
            raise UsageError("%sso_use --pin writes into a notebook, and this shell has none. Leave --pin out.")
        return
    if args.account or args.pin:
        raise UsageError("%sso_use --pinned takes no account and no --pin; it takes --region, --serve and --dask.")
    if writer is None:
        raise UsageError(
            "%sso_use --pinned uses a notebook's pin, and this shell has no notebook. Name the role: "
            "%sso_use ACCOUNT ROLE"
        )
    pin = writer.pinned()
    if pin is None and pinned_notebook(magics.shell) is None:
        raise UsageError(
            "This kernel does not know which notebook it runs. Run papermill with --inject-paths, or set "
            "JPY_SESSION_NAME to the notebook's path."
        )
    if pin is None:
        raise UsageError("This notebook is pinned to no role. Pin it once: %sso_use ACCOUNT ROLE --pin")
    args.account, args.role, args.region = pin.account, pin.role, args.region or pin.region


def pin_role(magics: Magics) -> None:
    """Pin the notebook to the role in use, and say so.

    Raises:
        UsageError: No role is in use.
    """
    from sso_magic.display import say

    use, writer = KERNEL.current, recorder()
    if use is None or writer is None:
        raise UsageError("No role is in use that the notebook can be pinned to. %sso_use ACCOUNT ROLE --pin")
    keys = use.credentials
    pin = Pin(keys.account_id, keys.role_name, use.region, datetime.now(timezone.utc).isoformat())
    writer.pin(pin)
    check_of(magics).again()
    say(f"This notebook is pinned to {pin.label}. %sso_use --pinned uses it.")


def refuse(use: Use) -> None:
    """Refuse a role before it is used, in a run without a person.

    Raises:
        UsageError: The notebook is pinned to another role.
    """
    writer = recorder()
    if writer is None or has_person():
        return
    pin = writer.pinned()
    if pin is not None and not pin.allows(use, _region(use)):
        raise UsageError(
            f"This notebook is pinned to {pin.label}, and this line uses {_label(use, pin)}. Run %sso_use --pinned, or "
            "pin the other role with --pin."
        )


def check_of(magics: Magics) -> PinCheck:
    """Return the check of this shell's cells, installed when it is first asked for; `uninstall` takes it out."""
    transformers = magics.shell.ast_transformers
    found = next((one for one in transformers if isinstance(one, PinCheck)), None)
    if found is None:
        found = PinCheck()
        transformers.append(found)
    return found


def uninstall(shell: Any) -> None:
    """Take the check out of the shell."""
    shell.ast_transformers[:] = [one for one in shell.ast_transformers if not isinstance(one, PinCheck)]


class PinCheck:
    """Checks before each cell that the role in use is the one that the notebook is pinned to.

    It is an AST transformer too, because IPython lets one replace a cell's code; an error of a callback stops no cell.
    """

    def __init__(self) -> None:
        self._checked: object = None  # the role and region whose check `_found` is of
        self._found: str | None = None
        self._refusal: str | None = None

    def again(self) -> None:
        """Check the role in use once more: the pin has changed."""
        self._checked = None

    def before_cell(self) -> str | None:
        """Return a warning for the person, once for each role; refuse the cell if there is no person."""
        self._refusal = None
        use = KERNEL.current
        role = None if use is None else (*use.key, _region(use))
        is_new = role != self._checked
        if is_new:
            self._checked, self._found = role, None if use is None else self._difference(use)
        if self._found is None:
            return None
        if has_person():
            return self._found if is_new else None
        self._refusal = self._found
        return None

    def visit(self, tree: ast.AST) -> ast.AST:
        """Return what runs as the cell: an error if it is refused and does not begin with a magic of this package."""
        refusal, self._refusal = self._refusal, None
        if refusal is None or _begins_with_magic(tree):
            return tree
        return ast.parse(_REFUSAL.format(refusal))

    def _difference(self, use: Use) -> str | None:
        writer = recorder()
        try:
            pin = None if writer is None else writer.pinned()
        except UsageError as error:
            return str(error)
        if pin is None or pin.allows(use, _region(use)):
            return None
        return (
            f"This notebook is pinned to {pin.label}, and {_label(use, pin)} is in use. Run %sso_use --pinned, or "
            "%sso_use --pin to pin the role in use."
        )


def _region(use: Use) -> str | None:
    return use.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")


def _label(use: Use, pin: Pin) -> str:
    """Return the role as it is compared with the pin."""
    return f"{use.label} in {_region(use) or 'no region'}" if pin.region else use.label


def _begins_with_magic(tree: Any) -> bool:
    """Return True if the first statement of a cell is a line magic of this package."""
    first = next(iter(getattr(tree, "body", [])), None)
    call = getattr(first, "value", None)
    return (
        isinstance(call, ast.Call)
        and getattr(call.func, "attr", None) == "run_line_magic"
        and bool(call.args)
        and str(getattr(call.args[0], "value", "")).startswith("sso_")
    )
