"""Write the report of a run into its folder."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

NAME = "report.html"


def write_report(folder: Path) -> Path:
    """Write `report.html` into a run folder, from what the folder holds and nothing else.

    The page is whole in itself: no script, no font, no picture and no style from elsewhere. The
    same run gives the same bytes. An earlier report is replaced only when the new one is complete.

    Parameters
    ----------
    folder
        A folder that `raresim.simulate(..., folder=...)` wrote.

    Returns
    -------
    Path
        The report.

    Raises
    ------
    InputError
        When the folder is not a run; nothing is written then.
    """
    from raresim.report.folder import load
    from raresim.report.page import page

    folder = Path(folder)
    text = page(load(folder))
    target = folder / NAME
    handle, fresh = tempfile.mkstemp(prefix=f".{NAME}.", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        Path(fresh).chmod(0o644)
        Path(fresh).replace(target)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise
    return target
