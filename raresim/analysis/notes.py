"""Reasons a fit carries with it: why there is no answer, or what to know about the one given."""

from enum import IntFlag


class Note(IntFlag):
    """Flags that a fit may carry; several can be joined with ``|``.

    Examples
    --------
    >>> (Note.NO_EVENTS | Note.ONE_ARM_EMPTY).sentences()
    ('No events were observed.', 'One arm has no patients to analyse.')
    """

    NO_EVENTS = 1
    NO_EVENTS_IN_ONE_ARM = 2
    ONE_ARM_EMPTY = 4
    NOT_CONVERGED = 8
    NO_COMPARISON = 16
    MONOTONE_LIKELIHOOD = 32
    DISPERSION_AT_ZERO = 64
    NO_EXPOSURE_DROPPED = 128
    MISSING_OUTCOME_DROPPED = 256
    MISSING_COVARIATE_DROPPED = 512
    SINGULAR_DESIGN = 1024
    TOO_FEW_PATIENTS = 2048
    NO_RESIDUAL_VARIATION = 4096
    SIZE_ABOVE_NOMINAL = 8192
    PRIOR_ONLY = 1 << 56
    NO_PROPER_POSTERIOR = 1 << 57
    NO_OVERLAP = 1 << 58
    SUMMARY_OUT_OF_REACH = 1 << 59
    UNMATCHED_DROPPED = 1 << 60
    FEW_EFFECTIVE_PATIENTS = 1 << 61

    def sentences(self) -> tuple[str, ...]:
        """Say each flag that is set in one sentence."""
        return tuple(SENTENCES[flag] for flag in Note if flag in self)


SENTENCES = {
    Note.NO_EVENTS: "No events were observed.",
    Note.NO_EVENTS_IN_ONE_ARM: "One arm had no events, so the ratio has no finite estimate.",
    Note.ONE_ARM_EMPTY: "One arm has no patients to analyse.",
    Note.NOT_CONVERGED: "The iterations did not settle on an estimate.",
    Note.NO_COMPARISON: "No event happened while both arms had patients at risk.",
    Note.MONOTONE_LIKELIHOOD: "The likelihood rises without end, so there is no finite estimate.",
    Note.DISPERSION_AT_ZERO: (
        "The counts vary no more than Poisson counts; the dispersion is 0 and the Poisson "
        "standard error is given."
    ),
    Note.NO_EXPOSURE_DROPPED: "Patients without any follow-up were left out.",
    Note.MISSING_OUTCOME_DROPPED: "Patients with a missing outcome were left out.",
    Note.MISSING_COVARIATE_DROPPED: "Patients with a missing covariate were left out.",
    Note.SINGULAR_DESIGN: "The arm and the covariates cannot be told apart (singular design).",
    Note.TOO_FEW_PATIENTS: "There are too few patients for the number of coefficients.",
    Note.NO_RESIDUAL_VARIATION: "The model fits every patient exactly; there is no standard error.",
    Note.SIZE_ABOVE_NOMINAL: (
        "Small trial: this asymptotic test can exceed its nominal size (see its documentation)."
    ),
    Note.PRIOR_ONLY: "An arm has no patients: there the posterior is the prior.",
    Note.NO_PROPER_POSTERIOR: (
        "Prior and data together leave the standard deviation of an arm undetermined (too few "
        "patients, or all alike, with a vague prior)."
    ),
    Note.NO_OVERLAP: (
        "The covariates separate the arms completely: no propensity score between 0 and 1 fits."
    ),
    Note.SUMMARY_OUT_OF_REACH: (
        "No weights of these patients reproduce the summaries asked for: they lie outside what "
        "was observed, or cannot be told apart."
    ),
    Note.UNMATCHED_DROPPED: "Treated patients without a control within reach were left out.",
    Note.FEW_EFFECTIVE_PATIENTS: (
        "Fewer than 40 effective patients in an arm: this standard error may be too small."
    ),
}
