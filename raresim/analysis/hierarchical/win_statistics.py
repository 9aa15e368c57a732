"""Win ratio, win odds and net benefit of outcomes in order of priority."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, IntArray
from raresim.analysis.hierarchical.comparisons import Level, Rules, check_levels
from raresim.analysis.hierarchical.estimates import (
    Counts,
    Estimate,
    Variance,
    Weights,
    added,
    combined,
    counts_of,
)
from raresim.analysis.hierarchical.pair_sums import PairSums, large_enough, pair_sums
from raresim.analysis.left_out import REASONS, flags_of, nobody, patients
from raresim.analysis.notes import Note
from raresim.analysis.result import NORMAL_975, Result, Results, wald_results
from raresim.analysis.rows import one_row
from raresim.errors import InputError

SMALL_ARM = 50  # patients; see the sizes in `win_statistics`


@dataclass(frozen=True)
class PairShare:
    """A share of all pairs in one trial, as of those won.

    Attributes
    ----------
    estimate, se
        The share, and its standard error by Hajek's projection whatever the ``variance``.
    ci_low, ci_high
        95 % confidence limits, made on the logit scale as in BuyseTest; NaN at a share of 0 or 1.
    """

    estimate: float
    se: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class PairShares:
    """The same in B trials: the fields of `PairShare` as arrays (B,)."""

    estimate: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray

    def row(self, b: int) -> PairShare:
        """Give the share of row b alone."""
        return one_row(self, b, PairShare)


@dataclass(frozen=True)
class WinStatistic:
    """How often the treated win, by three measures, in one trial.

    Attributes
    ----------
    win_ratio, win_odds, net_benefit
        Result of the log win ratio, the log win odds and the net benefit.
    pairs, wins, losses
        Pairs compared (within strata), and those that the treated won and lost.
    wins_by_level, losses_by_level
        Decided by each outcome, in the order of priority.
    share_won, share_lost
        Wins and losses as shares of the pairs, all strata together.
    """

    win_ratio: Result
    win_odds: Result
    net_benefit: Result
    pairs: int
    wins: int
    losses: int
    wins_by_level: tuple[int, ...]
    losses_by_level: tuple[int, ...]
    share_won: PairShare
    share_lost: PairShare

    def __repr__(self) -> str:
        """Show the pairs, then each measure."""
        levels = ", ".join(
            f"{w}:{n}" for w, n in zip(self.wins_by_level, self.losses_by_level, strict=True)
        )
        undecided = self.pairs - self.wins - self.losses
        return "\n".join(
            (
                f"{self.pairs} pairs: {self.wins} won and {self.losses} lost by the treated "
                f"(by outcome {levels}), {undecided} undecided",
                repr(self.win_ratio),
                repr(self.win_odds),
                repr(self.net_benefit),
            )
        )


@dataclass(frozen=True)
class WinStatistics:
    """How often the treated win, by three measures, in B trials.

    Attributes
    ----------
    win_ratio, win_odds, net_benefit
        Results of the log win ratio, the log win odds and the net benefit.
    pairs, wins, losses
        (B,) pairs compared (within strata), and those that the treated won and lost.
    wins_by_level, losses_by_level
        (B, levels) decided by each outcome.
    share_won, share_lost
        Wins and losses as shares of the pairs, all strata together.
    """

    win_ratio: Results
    win_odds: Results
    net_benefit: Results
    pairs: IntArray
    wins: IntArray
    losses: IntArray
    wins_by_level: IntArray
    losses_by_level: IntArray
    share_won: PairShares
    share_lost: PairShares

    def __len__(self) -> int:
        return self.pairs.size

    def row(self, b: int) -> WinStatistic:
        """Give the answer of row b alone."""
        return WinStatistic(
            win_ratio=self.win_ratio.row(b),
            win_odds=self.win_odds.row(b),
            net_benefit=self.net_benefit.row(b),
            pairs=int(self.pairs[b]),
            wins=int(self.wins[b]),
            losses=int(self.losses[b]),
            wins_by_level=tuple(self.wins_by_level[b].tolist()),
            losses_by_level=tuple(self.losses_by_level[b].tolist()),
            share_won=self.share_won.row(b),
            share_lost=self.share_lost.row(b),
        )


def win_statistics(
    levels: Sequence[Level],
    arm: CodeArray,
    present: BoolArray,
    *,
    stratum: CodeArray | None = None,
    weights: Weights = "mantel_haenszel",
    rules: Rules = Rules(),
    variance: Variance = "null",
) -> WinStatistics:
    """Compare each treated with each control patient by outcomes in order of priority.

    With W wins and L losses of the treated in N pairs, the win ratio is W/L, the net benefit
    (W - L)/N and the win odds (W + T/2)/(L + T/2) with T = N - W - L undecided pairs. The
    estimates of the ratios are logarithms. Censored times are compared by Gehan's rule: only an
    event known to come before the other patient's time decides.

    Variances, with w_i and l_i the wins and losses in the pairs of patient i, n1 treated and n0
    control patients:

    "null"
        Dong et al. 2016, as the package WINS has it: the U-statistic variance at equal chances
        to win and to lose, both (W + L)/2N. Var(W - L) is the sum over the arms of
        (sum_i (w_i - l_i)^2 - W - L) n/(n - 1), n the size of the other arm; it is divided by
        ((W + L)/2)^2 for the log win ratio, by N^2 for the net benefit and by (N/2)^2 for the
        log win odds.
    "projection"
        Hajek's projection at the estimates, as in Bebu and Lachin 2016 and in BuyseTest (first
        order): Cov(W, L) is the sum over the arms of sum_i w_i l_i - W L/n, n the arm's size,
        and the ratios' variances follow by the delta method. The net benefit's interval and
        test are those of its inverse hyperbolic tangent, as in BuyseTest.
    "second_order"
        That, plus the variance of what is left of each pair after the projection (second order
        of the H-decomposition).

    Strata: pairs are formed within strata. "mantel_haenszel" weighs wins and losses by one over
    the patients of the stratum ("MH-type" of WINS), "equal" adds them up as they are; "size"
    averages the strata's ratios by their numbers of patients ("wt.stratum1"; these three follow
    WINS); "inverse_variance" averages the strata's estimates (logarithms for the ratios) by
    their variances. Strata with fewer than two patients of an arm are left out with a note.

    Simulated two-sided size in per cent at the nominal 5 %, total n in two equal arms (20,000
    trials, Monte Carlo se 0.15; 10,000 and 0.22 from n = 100 on; a time of death censored for
    half of the patients, then a skewed score or one of five categories; the larger of the two):

        total n                             12    20    40    60   100   200
        win ratio, "null"                  3.9   4.1   4.6   4.5   4.4   5.3
        win odds, "null"                   3.6   3.8   4.4   4.4   4.4   5.3
        net benefit, "null"                0.0   1.0   3.1   3.7   4.0   5.1
        all three, "projection"            3.8   4.1   4.8   4.7   4.5   5.4

    So the tests are cautious in small trials, the untransformed net benefit so much that it
    hardly ever rejects. Where most pairs are undecided (an event in 10 %, then categories of 80, 15
    and 5 %) they are not: win ratio, "null" 7.0 % at n = 40, 6.1 at 60, 5.5 at 120; net benefit,
    "projection" 10.0 at 12, 6.6 at 20, 6.3 at 40, 5.5 at 60 (1:1 or 2:1, the larger). With fewer
    than 50 patients in an arm the note RERANDOMISE is attached.

    Parameters
    ----------
    levels
        Outcomes, the most important first.
    arm
        (B, n) 0 control, 1 treated.
    present
        (B, n) False for padding.
    stratum
        (B, n) integer codes, if stratified.
    weights, variance
        See above.
    rules
        What happens at margins and at tied times; `WINS` and `BUYSETEST` are those packages'.

    Raises
    ------
    InputError
        If an option is none of those named.

    References
    ----------
    Pocock SJ et al. Eur Heart J 2012;33:176-182. Buyse M. Stat Med 2010;29:3245-3257. Dong G et
    al. Pharm Stat 2016;15:430-437 (variance); J Biopharm Stat 2018;28:778-796 (strata). Bebu I,
    Lachin JM. Biostatistics 2016;17:178-187. Brunner E, Vandemeulebroecke M, Mutze T. Stat Med
    2021;40:3367-3384 (win odds). Ozenne B et al. Stat Methods Med Res 2021;30:2399-2412.

    Examples
    --------
    >>> import numpy as np
    >>> days = np.array([[90, 200, 365, 365, 365, 120, 365, 365, 365, 365]])
    >>> died = days < 365
    >>> score = np.array([[3.0, 2.0, 5.0, 4.0, 6.0, 1.0, 9.0, 7.0, 8.0, 4.5]])
    >>> arm = np.array([[0, 0, 0, 0, 0, 1, 1, 1, 1, 1]])
    >>> levels = (Level(days, died), Level(score))
    >>> found = win_statistics(levels, arm, np.ones((1, 10), dtype=bool))
    >>> found.wins_by_level, found.losses_by_level
    (array([[ 9, 10]]), array([[4, 2]]))
    >>> found.win_ratio.row(0)
    win ratio: log win ratio 1.153 (95 % CI -0.4153 to 2.721)
      se 0.8, z = 1.441, p = 0.1496, 10 patients
      Small trial: the size may not be the nominal; re-randomising the same statistic keeps it.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 3.6 to 4.5 %.
    """
    check_levels(levels, rules)
    _check(weights, variance)
    codes = [None] if stratum is None else np.unique(stratum[present]).tolist() or [0]
    parts = [
        pair_sums(levels, arm, present if code is None else present & (stratum == code), rules)
        for code in codes
    ]
    kept = [large_enough(part) for part in parts]
    counts = [counts_of(part, variance) for part in kept]
    sizes = [part.treated + part.control for part in kept]
    null = variance == "null"
    estimates = combined(counts, sizes, "equal" if stratum is None else weights, null)
    lost = _lost(parts, kept)
    notes = _notes(parts, kept) | flags_of(lost)
    notes = notes + Note.MISSING_LEVEL_UNDECIDED * any_missing(levels, present)
    used = np.count_nonzero(present, axis=1) - patients(lost)
    ratio, odds, benefit = (
        _results(name, estimate, used, notes, lost)
        for name, estimate in zip(("win ratio", "win odds", "net benefit"), estimates, strict=True)
    )
    by_level = added([part.by_level for part in kept])
    return WinStatistics(
        win_ratio=ratio,
        win_odds=odds,
        net_benefit=benefit if null else _on_tanh_scale(benefit),
        pairs=added([c.pairs for c in counts]).astype(np.int64),
        wins=added([c.wins for c in counts]).astype(np.int64),
        losses=added([c.losses for c in counts]).astype(np.int64),
        wins_by_level=by_level[0].T,
        losses_by_level=by_level[1].T,
        **_shares([counts_of(part, "projection") for part in kept]),
    )


def _shares(counts: Sequence[Counts]) -> dict[str, PairShares]:
    pairs = added([count.pairs for count in counts])
    some = np.where(pairs > 0.0, pairs, 1.0)
    found = {}
    for name, field in (("share_won", "wins"), ("share_lost", "losses")):
        share = added([getattr(count, field) for count in counts]) / some
        se = np.sqrt(np.maximum(added([getattr(c, f"var_{field}") for c in counts]), 0.0)) / some
        inside = (share > 0.0) & (share < 1.0)
        p = np.where(inside, share, 0.5)
        half = np.where(inside, NORMAL_975 * se / (p * (1.0 - p)), np.nan)
        none = np.where(pairs > 0.0, 0.0, np.nan)
        low, high = expit(logit(p) - half), expit(logit(p) + half)
        found[name] = PairShares(share + none, se + none, low + none, high + none)
    return found


def _check(weights: str, variance: str) -> None:
    for name, found, known in (
        ("weights", weights, ("mantel_haenszel", "equal", "size", "inverse_variance")),
        ("variance", variance, ("null", "projection", "second_order")),
    ):
        if found not in known:
            raise InputError(f"{name}: found {found!r}; expected one of {', '.join(known)}.")


def any_missing(levels: Sequence[Level], present: BoolArray) -> BoolArray:
    """Say of each row whether a patient lacks the value of an outcome."""
    missing = np.zeros(present.shape[0], dtype=np.bool_)
    for level in levels:
        value = np.asarray(level.value, dtype=np.float64)
        missing |= np.any(present & np.isnan(value), axis=1)
    return missing


def _lost(parts: Sequence[PairSums], kept: Sequence[PairSums]) -> IntArray:
    """Count the patients of strata too small to compare, in rows of several strata."""
    before, after = (np.stack([p.treated + p.control for p in some]) for some in (parts, kept))
    found = nobody(before.shape[1])
    several = np.count_nonzero(before, axis=0) > 1
    both = (added([p.treated for p in parts]) > 0.0) & (added([p.control for p in parts]) > 0.0)
    gone = (before > after) & several & both
    found[:, tuple(REASONS).index("stratum")] = np.add.reduce(np.where(gone, before, 0.0), axis=0)
    found[:, -1] = np.count_nonzero(gone, axis=0)
    return found


def _results(
    name: str, estimate: Estimate, used: IntArray, notes: IntArray, lost: IntArray
) -> Results:
    value, spread = estimate
    compared = (notes & int(Note.ONE_ARM_EMPTY | Note.TOO_FEW_PATIENTS | Note.NO_PAIR_DECIDED)) == 0
    finite = np.isfinite(value)
    positive = np.isfinite(spread) & (spread > 0.0)
    own = Note.ONE_ARM_WON_NOTHING * (compared & ~finite)
    own = own + Note.VARIANCE_NOT_ESTIMABLE * (compared & finite & ~positive)
    return wald_results(
        method=name,
        measure=name if name == "net benefit" else f"log {name}",
        estimate=value,
        se=np.sqrt(np.where(positive, spread, 1.0)),
        converged=compared & finite & positive,
        used=used,
        notes=notes + own,
        left_out=lost,
    )


def _on_tanh_scale(benefit: Results) -> Results:
    """Replace the test and the interval of the net benefit by those of its inverse tanh."""
    inside = np.abs(benefit.estimate) < 1.0
    value = np.where(inside, benefit.estimate, np.nan)
    scaled = wald_results(
        method=benefit.method,
        measure=benefit.measure,
        estimate=np.arctanh(value),
        se=benefit.se / (1.0 - value * value),
        converged=benefit.converged & inside,
        used=benefit.used,
        notes=benefit.notes,
        left_out=benefit.left_out,
    )
    return replace(
        scaled,
        estimate=np.where(scaled.converged, benefit.estimate, np.nan),
        se=np.where(scaled.converged, benefit.se, np.nan),
        ci_low=np.tanh(scaled.ci_low),
        ci_high=np.tanh(scaled.ci_high),
    )


def _notes(parts: Sequence[PairSums], kept: Sequence[PairSums]) -> IntArray:
    treated = added([part.treated for part in parts])
    control = added([part.control for part in parts])
    pairs = added([part.treated * part.control for part in kept])
    found = added([part.wins + part.losses for part in kept])
    both = (treated > 0.0) & (control > 0.0)
    notes: IntArray = (
        Note.ONE_ARM_EMPTY * ~both
        + Note.TOO_FEW_PATIENTS * (both & (pairs == 0.0))
        + Note.NO_PAIR_DECIDED * ((pairs > 0.0) & (found == 0.0))
        + Note.RERANDOMISE * (np.minimum(treated, control) < SMALL_ARM)
    )
    return notes
