"""What comparisons of proportions answer, where estimate / standard error is not the test.

Exact and score methods have p-values of their own kind, so they do not fit `Result`. A p-value
that exists is given even where an estimate is infinite; ``converged`` says whether it exists.
"""

from dataclasses import dataclass

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.result import Side, of_side
from raresim.analysis.rows import one_row


@dataclass(frozen=True, kw_only=True)
class ProportionTest:
    """A test of proportions in one trial.

    Attributes
    ----------
    method
        The test and its variant.
    measure
        What ``estimate`` measures, treated relative to control (or of the one arm).
    null
        Value of the measure under the null hypothesis.
    estimate
        Estimate; NaN if there is none, infinite if an arm has no (or only) events.
    statistic
        What the test orders tables by; see the method.
    p
        Two-sided p-value.
    p_less, p_greater
        One-sided p-values; the alternative is a measure below (above) the null value.
    converged
        Whether there is a p-value.
    used
        Number of patients.
    notes
        Sentences to read with the numbers.
    """

    method: str
    measure: str
    null: float
    estimate: float
    statistic: float
    p: float
    p_less: float
    p_greater: float
    converged: bool
    used: int
    notes: tuple[str, ...] = ()

    def p_one_sided(self, side: Side) -> float:
        """Give the p-value whose alternative is 'less' or 'greater'."""
        return of_side(side, self.p_less, self.p_greater)

    def _interval(self) -> str:
        return ""

    def __repr__(self) -> str:
        """Show the numbers, then each note on its line."""
        if not self.converged:
            head = f"{self.method}: no {self.measure} from {self.used} patients"
        else:
            head = (
                f"{self.method}: {self.measure} {self.estimate:.4g}{self._interval()}\n  "
                f"p = {self.p:.4g} (less {self.p_less:.4g}, greater {self.p_greater:.4g}) "
                f"against {self.null:g}, {self.used} patients"
            )
        return "\n  ".join((head, *self.notes))


@dataclass(frozen=True, kw_only=True, repr=False)
class ProportionComparison(ProportionTest):
    """A test of proportions with its confidence interval.

    Attributes
    ----------
    ci_low, ci_high
        95 % confidence limits; infinite where the data do not bound the measure.
    """

    ci_low: float
    ci_high: float

    def _interval(self) -> str:
        return f" (95 % CI {self.ci_low:.4g} to {self.ci_high:.4g})"


@dataclass(frozen=True, kw_only=True)
class ProportionInterval:
    """An estimate with a confidence interval that inverts no test.

    Attributes
    ----------
    method, measure, estimate, ci_low, ci_high, converged, used, notes
        As in `ProportionComparison`.
    """

    method: str
    measure: str
    estimate: float
    ci_low: float
    ci_high: float
    converged: bool
    used: int
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Show the numbers, then each note on its line."""
        if not self.converged:
            head = f"{self.method}: no {self.measure} from {self.used} patients"
        else:
            head = (
                f"{self.method}: {self.measure} {self.estimate:.4g} "
                f"(95 % CI {self.ci_low:.4g} to {self.ci_high:.4g}), {self.used} patients"
            )
        return "\n  ".join((head, *self.notes))


@dataclass(frozen=True, kw_only=True)
class ProportionTests:
    """The same test in B trials: the fields of `ProportionTest` as arrays of shape (B,)."""

    method: str
    measure: str
    null: float
    estimate: FloatArray
    statistic: FloatArray
    p: FloatArray
    p_less: FloatArray
    p_greater: FloatArray
    converged: BoolArray
    used: IntArray
    notes: IntArray

    def __len__(self) -> int:
        return self.p.size

    def row(self, b: int) -> ProportionTest:
        """Give the test of row b alone."""
        return one_row(self, b, ProportionTest)

    def p_one_sided(self, side: Side) -> FloatArray:
        """Give the p-values whose alternative is 'less' or 'greater'.

        Raises
        ------
        InputError
            If ``side`` is neither.
        """
        return of_side(side, self.p_less, self.p_greater)


@dataclass(frozen=True, kw_only=True)
class ProportionComparisons(ProportionTests):
    """The same comparison in B trials: the fields of `ProportionComparison` as arrays (B,)."""

    ci_low: FloatArray
    ci_high: FloatArray

    def row(self, b: int) -> ProportionComparison:
        """Give the comparison of row b alone."""
        return one_row(self, b, ProportionComparison)


@dataclass(frozen=True, kw_only=True)
class ProportionIntervals:
    """The same interval in B trials: the fields of `ProportionInterval` as arrays (B,)."""

    method: str
    measure: str
    estimate: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    converged: BoolArray
    used: IntArray
    notes: IntArray

    def __len__(self) -> int:
        return self.estimate.size

    def row(self, b: int) -> ProportionInterval:
        """Give the interval of row b alone."""
        return one_row(self, b, ProportionInterval)
