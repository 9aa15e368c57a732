"""The Bayesian joint stage model of an snSMART, by quadrature instead of simulation."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, IntArray
from raresim.analysis.left_out import flags_of
from raresim.analysis.rows import one_row
from raresim.analysis.two_stage.estimating_equations import Linkage
from raresim.analysis.two_stage.joint_stage_counts import stage_counts
from raresim.analysis.two_stage.own_linkages import own_linkages
from raresim.analysis.two_stage.shared_linkages import Answer, Counts, shared_linkages
from raresim.errors import InputError


@dataclass(frozen=True)
class JointStagePrior:
    """Independent priors of response rates and linkages.

    Parameters
    ----------
    rates
        (a, b) of the beta prior of each treatment's response rate.
    linkage_0
        (a, b) of the beta prior of beta0: non-responders' factor.
    linkage_1
        Shape of the Pareto prior of beta1 above 1, density c/x^(c + 1): responders' factor.

    Raises
    ------
    InputError
        If a number is not above 0.

    Examples
    --------
    >>> JointStagePrior(((0.4, 1.6),) * 3, (1.6, 0.4), 3.0).linkage_1
    3.0
    """

    rates: tuple[tuple[float, float], ...]
    linkage_0: tuple[float, float] = (1.0, 1.0)
    linkage_1: float = 3.0

    def __post_init__(self) -> None:
        given = [*(x for pair in self.rates for x in pair), *self.linkage_0, self.linkage_1]
        if len(self.rates) < 2 or not all(0.0 < x < np.inf for x in given):
            raise InputError(
                f"rates, linkage_0, linkage_1: found {self.rates}, {self.linkage_0} and "
                f"{self.linkage_1}; expected two treatments or more and numbers above 0."
            )


@dataclass(frozen=True)
class JointStagePosterior:
    """Posterior of the response rates of K treatments in one trial.

    Attributes
    ----------
    method
        The model.
    mean, sd
        (K,) of each treatment's response rate.
    low, high
        (K,) equal-tailed 95 % credible limits.
    difference, difference_sd
        (K, K) mean and SD of the row's less the column's rate.
    above
        (K, K) posterior probability that the row's rate is above the column's; NaN on the diagonal.
    converged
        Whether there is a posterior.
    used, left_out
        Number of patients, and of those left out; the notes say why.
    notes
        Sentences to read with the numbers.
    """

    method: str
    mean: FloatArray
    sd: FloatArray
    low: FloatArray
    high: FloatArray
    difference: FloatArray
    difference_sd: FloatArray
    above: FloatArray
    converged: bool
    used: int
    notes: tuple[str, ...] = ()
    left_out: int = 0

    def __repr__(self) -> str:
        """Show the rates, then each note on its line."""
        rates = ", ".join(
            f"{m:.4g} ({a:.4g} to {b:.4g})"
            for m, a, b in zip(
                self.mean.tolist(), self.low.tolist(), self.high.tolist(), strict=True
            )
        )
        head = f"{self.method}: response rates (95 % credible) {rates}; {self.used} patients"
        return "\n  ".join((head, *self.notes))


@dataclass(frozen=True)
class JointStagePosteriors:
    """The same model in B trials: the fields of `JointStagePosterior` with a leading axis."""

    method: str
    mean: FloatArray
    sd: FloatArray
    low: FloatArray
    high: FloatArray
    difference: FloatArray
    difference_sd: FloatArray
    above: FloatArray
    converged: BoolArray
    used: IntArray
    notes: IntArray
    left_out: IntArray

    def __len__(self) -> int:
        return self.used.size

    def row(self, b: int) -> JointStagePosterior:
        """Give the posterior of row b alone."""
        return one_row(self, b, JointStagePosterior)


def bayesian_joint_stage(
    treatment_1: CodeArray,
    response_1: FloatArray,
    treatment_2: CodeArray,
    response_2: FloatArray,
    present: BoolArray,
    *,
    prior: JointStagePrior,
    linkage: Linkage = "shared",
) -> JointStagePosteriors:
    """Give the posterior of response rates of an snSMART's treatments from both stages (BJSM).

    A patient on treatment t responds in stage 1 with chance pi_t; in stage 2 after a response with
    beta1 pi_t, and after none, on the treatment u changed to, with beta0 pi_u. Priors: pi_t beta,
    beta0 beta, beta1 Pareto from 1, all independent but for beta1 pi_t being 1 at most for each
    treatment. (R's snSMART ``BJSM_binary`` is this model; JAGS asks that only of treatments
    with a responder who went on to stage 2.)

    No simulation: with x_t = beta1 pi_t all factors of the posterior are powers of numbers
    between 0 and 1. Given the linkages the rates are independent, so the integral is one over
    each rate (tanh-sinh rule) inside one over the linkages (Gauss-Jacobi). Means and
    probabilities come out to 1e-9, limits to 0.002 ("shared") or 1e-6; a trial takes some 30
    milliseconds, and one whose patients came out alike before takes none.

    Parameters
    ----------
    treatment_1, response_1, treatment_2, response_2, present
        As in `stage_counts`; the number of treatments is that of the prior's rates.
    prior
        See above.
    linkage
        "shared": one beta0 and one beta1. "each treatment": they depend on the treatment of
        stage 1 (R: ``six = TRUE``); three treatments only.

    Raises
    ------
    InputError
        As `stage_counts`, if ``linkage`` is unknown, or "each treatment" is asked for with
        other than three treatments.

    References
    ----------
    Wei B, Braun TM, Tamura RN, Kidwell KM. Stat Med 2018;37:3723-3732. Takahasi H, Mori M. Publ
    Res Inst Math Sci 1974;9:721-741 (the tanh-sinh rule).

    Examples
    --------
    >>> import numpy as np
    >>> first, answer = np.array([[0, 0, 0, 1, 1, 1, 2, 2, 2]]), np.array([[1.0, 1, 0] * 3])
    >>> then, again = np.array([[0, 0, 1, 1, 1, 2, 2, 2, 0]]), np.array([[1.0, 0, 1] * 3])
    >>> prior = JointStagePrior(((0.4, 1.6),) * 3, (1.6, 0.4), 3.0)
    >>> here = np.ones((1, 9), dtype=bool)
    >>> found = bayesian_joint_stage(first, answer, then, again, here, prior=prior)
    >>> found.above[0, 1, 0].round(6)
    np.float64(0.5)
    """
    if linkage not in ("each treatment", "shared"):
        raise InputError(f"linkage: found {linkage!r}; expected 'each treatment' or 'shared'.")
    treatments = len(prior.rates)
    if linkage == "each treatment" and treatments != 3:
        raise InputError(
            f"prior.rates: found {treatments} treatments; expected three for linkages of each "
            "treatment. Use linkage='shared'."
        )
    counts = stage_counts(
        treatment_1, response_1, treatment_2, response_2, present, treatments=treatments
    )
    model = _shared if linkage == "shared" else _own
    answers = [
        model(first.tobytes(), second.tobytes(), prior)
        for first, second in zip(counts.first, counts.second, strict=True)
    ]
    fields = {
        name: np.array([getattr(answer, name) for answer in answers]).reshape(
            (len(answers), *shape)
        )
        for name, shape in _shapes(treatments).items()
    }
    return JointStagePosteriors(
        method="Bayesian joint stage model",
        **fields,
        converged=np.ones(len(answers), dtype=np.bool_),
        used=counts.used,
        notes=flags_of(counts.left_out),
        left_out=counts.left_out,
    )


def _shapes(k: int) -> dict[str, tuple[int, ...]]:
    alone, pairs = ("mean", "sd", "low", "high"), ("difference", "difference_sd", "above")
    return dict.fromkeys(alone, (k,)) | dict.fromkeys(pairs, (k, k))


def _read(first: bytes, second: bytes, prior: JointStagePrior) -> Counts:
    k = len(prior.rates)
    stage_1 = np.frombuffer(first, dtype=np.int64).reshape(k, 2)
    stage_2 = np.frombuffer(second, dtype=np.int64).reshape(k, 2, k, 2)
    return Counts(stage_1, np.stack([stage_2[t, 1, t] for t in range(k)]), stage_2[:, 0])


# trials of a few patients come out alike again and again
@lru_cache(maxsize=4096)
def _shared(first: bytes, second: bytes, prior: JointStagePrior) -> Answer:
    return shared_linkages(
        _read(first, second, prior), prior.rates, prior.linkage_0, prior.linkage_1
    )


@lru_cache(maxsize=4096)
def _own(first: bytes, second: bytes, prior: JointStagePrior) -> Answer:
    return own_linkages(_read(first, second, prior), prior.rates, prior.linkage_0, prior.linkage_1)
