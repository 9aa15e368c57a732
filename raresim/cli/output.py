"""Tables and figures on a terminal."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table

from raresim.study.montecarlo import Figure

console = Console(highlight=False, soft_wrap=False)


def print_json(data: Any) -> None:
    """Print data as JSON, for machines."""
    console.file.write(json.dumps(data, indent=1, sort_keys=True) + "\n")


def table(title: str, *columns: str, words: bool = False) -> Table:
    """Return an empty table; columns but the first hold numbers, to the right, unless `words`."""
    found = Table(title=title, title_justify="left", header_style="bold", expand=False)
    for number, column in enumerate(columns):
        left = words or number == 0
        found.add_column(column, justify="left" if left else "right", overflow="fold")
    return found


def percent(figure: Figure) -> str:
    """Return a share in per cent with its Monte Carlo standard error."""
    if figure.value is None:
        return "-"
    if figure.mcse is None:
        return f"{100 * figure.value:.1f} %"
    error = f"{100 * figure.mcse:.1f}" if figure.mcse >= 0.0005 else "<0.1"
    return f"{100 * figure.value:.1f} % ± {error}"


def number(figure: Figure, scale: float = 1.0, digits: int = 2) -> str:
    """Return a figure with its Monte Carlo standard error."""
    if figure.value is None:
        return "-"
    error = "" if figure.mcse is None else f" ± {figure.mcse * scale:.{digits}f}"
    return f"{figure.value * scale:.{digits}f}{error}"
