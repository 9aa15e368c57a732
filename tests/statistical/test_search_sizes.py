"""Searches find the sample sizes of designs whose power is known in closed form.

Changes are normal with SD 10. The power of a t test is that of the noncentral t; with missing
visits it is a mixture over who came, and with two stages an integral over the first one's z.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom, nct, norm, t

import raresim
from raresim.files import parse
from raresim.files.document import write
from raresim.questions.searching import Search

WORKLOADS = Path(__file__).parents[1] / "benchmarks" / "workloads"
LEVEL = 0.025


@dataclass(frozen=True)
class Known:
    """A design, what of the two-arm file of `w5` is changed, and its exact power at n patients."""

    name: str
    difference: float
    target: float
    ratio: tuple[int, int] = (1, 1)
    missed: float = 0.0
    looks: bool = False
    single: bool = False

    def scenario(self, folder: Path) -> Path:
        """Write the design's files."""
        data = parse((WORKLOADS / "w5.yaml").read_text("utf-8")).data
        truth, design, analysis = data["truth"], data["design"], data["analysis"]
        truth["candidates"]["uniform"]["number"] = 400
        if self.missed:
            truth["missed_visits"] = {"share": self.missed, "why": "a test"}
        effect = {"difference": self.difference, "after": "4 weeks"}
        truth["hypotheses"]["effect"]["score"]["drug"]["assumed"] = effect
        control, drug = self.ratio
        design["randomise"]["ratio"] = {"control": control, "drug": drug}
        if control != drug:
            design["randomise"] |= {"method": "permuted blocks", "block": control + drug}
        method = analysis["methods"]["better"]
        if not self.looks:
            del design["milestones"]["first"], method["boundary"]
        if self.single:
            del design["arms"]["control"], design["control"]
            design["randomise"] = {"n": 80, "ratio": {"drug": 1}, "method": "alternating"}
            analysis["estimands"]["better"]["summary"] = "mean"
            analysis["methods"]["better"] = {
                "test": "one-sample t", "goal": 0, "alpha": "0.025 one-sided"
            }  # fmt: skip
        (folder / "normal.yaml").write_bytes((WORKLOADS / "normal.yaml").read_bytes())
        path = folder / f"{self.name}.yaml"
        path.write_text(write(data), "utf-8")
        return path

    @property
    def over(self) -> str:
        """What a search moves: with looks, patients at the first one and what is planned."""
        if not self.looks:
            return "design.randomise.n=20..300"
        along = "design.milestones.first.when.patients+analysis.methods.better.boundary."
        return f"design.randomise.n+{along}planned_information=20..300"

    def power(self, n: int) -> float:
        """Return the exact power with n patients in all."""
        d = self.difference / 10
        if self.single:
            return float(_power(d * np.sqrt(n), n - 1))
        treated = n * self.ratio[1] // sum(self.ratio)
        if self.looks:
            return _two_looks(d, n)
        if not self.missed:
            return _of_arms(d, n - treated, treated)
        seen = [np.arange(arm + 1) for arm in (n - treated, treated)]
        chances = [
            binom.pmf(s, arm, 1 - self.missed)
            for s, arm in zip(seen, (n - treated, treated), strict=True)
        ]
        kept = [s[c > 1e-9] for s, c in zip(seen, chances, strict=True)]
        return float(
            sum(
                chances[0][a] * chances[1][b] * _of_arms(d, a, b)
                for a in kept[0]
                for b in kept[1]
                if min(a, b) > 1
            )
        )

    @property
    def exact(self) -> int:
        """The smallest number of patients with the target power."""
        return next(n for n in range(8, 400) if self.power(n) >= self.target)


def _power(noncentrality: float, df: float) -> float:
    return float(nct.sf(t.isf(LEVEL, df), df, noncentrality))


def _of_arms(d: float, control: int, treated: int) -> float:
    """Return the power of Student's test, which Welch's has too where variances are equal."""
    return _power(d / np.sqrt(1 / control + 1 / treated), control + treated - 2)


def _two_looks(d: float, n: int) -> float:
    """Return the power of two equal stages by O'Brien and Fleming, combined by inverse normal."""
    early, late = 2.796509681524148, 1.9774309594595574  # of `tests/oracle/test_two_looks.py`
    sizes = [2 * ((n // 2 + 1) // 2), n - 2 * ((n // 2 + 1) // 2)]

    def beyond(z: np.ndarray, size: int) -> np.ndarray:
        arms = size // 2, size - size // 2
        shift = d / np.sqrt(sum(1 / arm for arm in arms))
        return np.asarray(nct.sf(t.isf(norm.sf(z), size - 2), size - 2, shift))

    grid = np.linspace(-4, early, 801)
    chance = -np.diff(beyond(grid, sizes[0]))
    middle = (grid[1:] + grid[:-1]) / 2
    then = beyond(np.sqrt(2) * late - middle, sizes[1])
    return float(beyond(np.array([early]), sizes[0])[0] + np.sum(chance * then))


DESIGNS = (
    Known("two-arms", 6, 0.8),
    Known("two-to-one", 7, 0.9, ratio=(1, 2)),
    Known("one-arm", 4, 0.8, single=True),
    Known("missed-visits", 7, 0.8, missed=0.2),
    Known("two-looks", 6, 0.8, looks=True),
)


@pytest.mark.slow
@pytest.mark.parametrize("known", DESIGNS, ids=lambda known: known.name)
def test_a_search_finds_the_exact_size(known: Known, tmp_path: Path) -> None:
    scenario = raresim.load_scenario(known.scenario(tmp_path))
    found = raresim.search(scenario, known.over, known.target, workers=1)
    assert isinstance(found, Search)
    assert found.found is not None and found.low is not None and found.high is not None
    assert abs(found.found - known.exact) <= max(1, 0.02 * known.exact)
    assert found.low <= known.exact <= found.high
    again = found.again["success"]
    assert again.value is not None and again.mcse is not None
    assert abs(again.value - known.power(found.found)) < 4 * again.mcse
