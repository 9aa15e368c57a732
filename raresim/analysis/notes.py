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
    FIRST_FALLBACK_COVARIANCE = 1 << 21
    SECOND_FALLBACK_COVARIANCE = 1 << 22
    THIRD_FALLBACK_COVARIANCE = 1 << 23
    NO_COVARIANCE_FITTED = 1 << 24
    VISIT_WITHOUT_AN_ARM = 1 << 25
    RANDOM_EFFECTS_AT_LIMIT = 1 << 26
    NO_CHANGE_TO_SLOW = 1 << 27

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
    Note.FIRST_FALLBACK_COVARIANCE: (
        "The covariance asked for could not be fitted; the first one to fall back on was used "
        "(heterogeneous Toeplitz unless another was named)."
    ),
    Note.SECOND_FALLBACK_COVARIANCE: (
        "The covariance asked for could not be fitted; the second one to fall back on was used "
        "(heterogeneous AR(1) unless another was named)."
    ),
    Note.THIRD_FALLBACK_COVARIANCE: (
        "The covariance asked for could not be fitted; the third one to fall back on was used "
        "(compound symmetry unless another was named)."
    ),
    Note.NO_COVARIANCE_FITTED: "None of the covariances of the visits could be fitted.",
    Note.VISIT_WITHOUT_AN_ARM: "At some visit nobody of one arm was seen.",
    Note.RANDOM_EFFECTS_AT_LIMIT: (
        "The covariance of the patients' intercepts and slopes is at its limit (none varies, or "
        "one follows from the other); one with fewer parameters was used."
    ),
    Note.NO_CHANGE_TO_SLOW: (
        "The control arm hardly changes, so that a share of its change is not defined."
    ),
}
