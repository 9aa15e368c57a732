"""`backtest`: predictions of trials that really happened, written down, then scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from raresim import catalogue, study
from raresim.cli.output import Manner, console, print_json, table
from raresim.cli.running import say_engine
from raresim.files.whole import whole_file
from raresim.study import foretelling, store
from raresim.trial import load_scenario


def backtest(
    name: str,
    replicates: int,
    seed: int,
    options: dict[str, Any],
    output: Path | None,
    manner: Manner,
) -> None:
    """Foretell one published trial, or all that are shipped; `options`: workers, without."""
    names = list(catalogue.shipped("backtests")) if name == "all" else [name]
    without, workers = options["without"], options["workers"]
    scenarios = {n: load_scenario(catalogue.find("backtests", n), without) for n in names}
    found = {}
    for each, scenario in scenarios.items():
        say_engine(scenario, "auto", manner)
        with manner.bar(each) as told:
            foretold = foretelling.foretell(
                scenario, replicates, seed, workers=workers, progress=told
            )
        if output is not None:
            output.mkdir(parents=True, exist_ok=True)
            path = output / f"{scenario.stem}.json"
            with whole_file(path) as fresh:
                store.write_json(foretold.record(scenario), fresh)
            manner.remark(f"prediction written to {path}")
        found[each] = foretelling.compare(scenario, foretold)
    if manner.as_json:
        print_json({each: result.dict() for each, result in found.items()})
        return
    _print(found, manner)


def _print(found: dict[str, study.Backtest], manner: Manner) -> None:
    inside = [s.inside["80"] for result in found.values() for s in result.scores]
    if manner.full:
        shown = table("Foretold and published", "trial, number", "foretold 80 %", "published")
        for column in ("inside", "width ratio", "CRPS (naive)"):
            shown.add_column(column, justify="right")
        for each, result in found.items():
            for score in result.scores:
                low, high = score.prediction.intervals["80"]
                naive = "-" if score.crps_naive is None else f"{score.crps_naive:.3f}"
                shown.add_row(
                    f"{each}, {score.prediction.what.replace('_', ' ')}",
                    f"{low:.3g} to {high:.3g}",
                    f"{score.published:.3g}",
                    ", ".join(k for k, v in score.inside.items() if v) or "none",
                    f"{score.width_ratio:.2f}",
                    f"{score.crps:.3f} ({naive})",
                )
        console.print(shown)
        console.print("inside: which of the 50, 80 and 95 % prediction intervals hold the number")
    trials = f"{len(found)} trial{'' if len(found) == 1 else 's'}"
    console.print(f"{sum(inside)} of {len(inside)} numbers of {trials} inside 80 % intervals")
