"""Write the report of a run into its folder."""

from __future__ import annotations

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
    from raresim.files.whole import whole_file
    from raresim.report.folder import load
    from raresim.report.page import page

    folder = Path(folder)
    text = page(load(folder))
    target = folder / NAME
    with whole_file(target) as fresh:
        fresh.write_text(text, "utf-8", newline="\n")
    return target
