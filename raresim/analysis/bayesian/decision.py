"""When a posterior counts as success: one criterion, or several that must all hold."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray
from raresim.analysis.bayesian.comparing import probability_above
from raresim.analysis.bayesian.mixtures import GammaMixture, Mixture
from raresim.errors import InputError

Side = Literal["greater", "less"]


@dataclass(frozen=True)
class Decision:
    """Success where P(effect beyond margin | data) > probability, for every pair of the two.

    The effect is the unknown itself in one arm; in two arms it is treated - control, and for
    event rates treated / control.

    Attributes
    ----------
    probability
        Least posterior probability of each criterion; it must be exceeded.
    margin
        Margin of each criterion.
    side
        "greater": the effect must be above the margin; "less": at or below it.

    Examples
    --------
    >>> Decision((0.95, 0.5), (0.0, 50.0))
    Decision(probability=(0.95, 0.5), margin=(0.0, 50.0), side='greater')
    """

    probability: tuple[float, ...]
    margin: tuple[float, ...]
    side: Side = "greater"

    def __post_init__(self) -> None:
        if len(self.probability) != len(self.margin) or not self.margin:
            raise InputError(
                f"margin: found {len(self.margin)} margins and {len(self.probability)} "
                "probabilities; expected as many of both, one at least."
            )
        if not all(0.0 <= p < 1.0 for p in self.probability):
            raise InputError(f"probability: found {self.probability}; expected 0 up to below 1.")
        if self.side not in ("greater", "less"):
            raise InputError(f"side: found {self.side!r}; expected 'greater' or 'less'.")


def chance_beyond(
    side: Side, margin: float, treated: Mixture, control: Mixture | None = None
) -> FloatArray:
    """Give the posterior probability of one criterion, of shape (B,).

    Examples
    --------
    >>> from raresim.analysis.bayesian.mixtures import BetaMixture
    >>> float(chance_beyond("less", 0.5, BetaMixture.of((1.0, 2.0, 2.0))))
    0.5
    """
    if control is None:
        return treated.above(margin) if side == "greater" else treated.below(margin)
    if side == "greater":
        return probability_above(treated, control, margin)
    # the other way round, so that small probabilities keep their digits
    swapped = 1.0 / margin if isinstance(treated, GammaMixture) and margin > 0.0 else -margin
    return probability_above(control, treated, swapped)


def succeeds(decision: Decision, treated: Mixture, control: Mixture | None = None) -> BoolArray:
    """Say of each trial whether its posterior counts as success.

    Parameters
    ----------
    decision
        The criteria.
    treated, control
        Posteriors (B, K); without a control the treated arm stands alone.

    Returns
    -------
    (B,) booleans.

    Raises
    ------
    InputError
        If the posteriors are of different families, or a margin is impossible for them.

    References
    ----------
    Neuenschwander B et al. Stat Med 2011;30:1618-1627 (two criteria).

    Examples
    --------
    >>> from raresim.analysis.bayesian.mixtures import BetaMixture
    >>> bool(succeeds(Decision((0.9,), (0.3,)), BetaMixture.of((1.0, 9.0, 6.0))))
    True
    """
    chances = [
        chance_beyond(decision.side, margin, treated, control) > probability
        for probability, margin in zip(decision.probability, decision.margin, strict=True)
    ]
    found: BoolArray = np.logical_and.reduce(chances)
    return found
