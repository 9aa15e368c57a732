"""Reasons a fit carries with it: why there is no answer, or what to know about the one given."""

from enum import IntFlag

from raresim.analysis.measured_sizes import MEASURED


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
    SEPARATION = 1 << 14
    CONSTANT_OUTCOME = 1 << 15
    INFINITE_LIMIT = 1 << 16
    STRATA_WITHOUT_COMPARISON = 1 << 17
    EXACT_ALTERNATIVE = 1 << 18
    MID_P = 1 << 19
    OFF_DESIGN = 1 << 20
    NO_WEIGHT = 1 << 28
    PAST_FOLLOW_UP = 1 << 29
    CURVE_AT_BOUND = 1 << 30
    NO_EVENTS_UP_TO_THEN = 1 << 31
    GROUP_WITHOUT_PATIENTS = 1 << 32
    PERMUTATION_INSTEAD = 1 << 33
    NO_PAIR_DECIDED = 1 << 40
    ONE_ARM_WON_NOTHING = 1 << 41
    RERANDOMISE = 1 << 42
    COUNTS_TAKEN_AS_POISSON = 1 << 34
    NOT_WITHIN_PATIENTS = 1 << 38
    LINKAGE_AT_ZERO = 1 << 39
    STAGE_WITHOUT_COMPARISON = 1 << 62
    OVERDISPERSED = 1 << 43
    ONE_ARM_STRATA_DROPPED = 1 << 44
    INTERVAL_BELOW_LEVEL = 1 << 45
    EXACT_TEST_FOR_COUNTS = 1 << 46
    MISSING_LEVEL_UNDECIDED = 1 << 47
    VARIANCE_NOT_ESTIMABLE = 1 << 48
    NOT_DEFINED_AT_TIME = 1 << 49
    REFIT_FAILED = 1 << 50
    UNLIKE_PROCEDURE = 1 << 51
    REFERENCE_SET_SMALL = 1 << 52
    VISIT_TOO_SPARSE = 1 << 53
    NOT_MONOTONE = 1 << 54
    NOTHING_MISSING = 1 << 55
    PRIOR_ONLY = 1 << 56
    NO_PROPER_POSTERIOR = 1 << 57
    NO_OVERLAP = 1 << 58
    SUMMARY_OUT_OF_REACH = 1 << 59
    UNMATCHED_DROPPED = 1 << 60
    FEW_EFFECTIVE_PATIENTS = 1 << 61
    PUBLISHED_MEAN_ALONE = 1 << 35
    POSTERIOR_WITHOUT_LEVEL = 1 << 36
    SMALL_GROUPS = 1 << 37
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
    Note.NO_COMPARISON: "No event (or stratum) had patients of both arms to compare.",
    Note.MONOTONE_LIKELIHOOD: "The likelihood rises without end, so there is no finite estimate.",
    Note.DISPERSION_AT_ZERO: (
        "The counts vary no more than Poisson counts; the dispersion is 0 and the Poisson "
        "standard error is given."
    ),
    Note.NO_EXPOSURE_DROPPED: "Patients without any follow-up were left out.",
    Note.MISSING_OUTCOME_DROPPED: "Missing outcomes were left out.",
    Note.MISSING_COVARIATE_DROPPED: "Outcomes with a missing covariate were left out.",
    Note.SINGULAR_DESIGN: "The arm and the covariates cannot be told apart (singular design).",
    Note.TOO_FEW_PATIENTS: "There are too few patients for the number of coefficients.",
    Note.NO_RESIDUAL_VARIATION: "The model fits every patient exactly; there is no standard error.",
    Note.SIZE_ABOVE_NOMINAL: (
        "Small trial: this asymptotic test can exceed its nominal size; re-randomisation keeps it."
    ),
    Note.SEPARATION: (
        "The arm or the covariates separate the outcomes, so the maximum-likelihood estimate is "
        "infinite; Firth's penalised regression (`firth`) has a finite one."
    ),
    Note.CONSTANT_OUTCOME: "All patients had the same outcome.",
    Note.INFINITE_LIMIT: (
        "The estimate or a confidence limit lies at the end of its range, as where an arm has "
        "events in none or in all of its patients."
    ),
    Note.STRATA_WITHOUT_COMPARISON: (
        "Strata with patients in one arm only, or with the same outcome in all, tell nothing "
        "about the odds ratio."
    ),
    Note.EXACT_ALTERNATIVE: (
        "Small trial: this asymptotic method for proportions can exceed its nominal size; exact "
        "tests hold it: `boschloo`, with strata `cochran_mantel_haenszel_exact`."
    ),
    Note.MID_P: (
        "Mid-p is close to the nominal size on average but is not bound by it; `fisher_exact`, "
        "`boschloo` and `binomial_test` are."
    ),
    Note.OFF_DESIGN: (
        "The number of patients is not that of either stage, so the design's inference does not "
        "apply."
    ),
    Note.NO_WEIGHT: "The weights are zero wherever both arms had patients at risk.",
    Note.PAST_FOLLOW_UP: (
        "An arm was not followed that far and its curve had not come down to 0 before."
    ),
    Note.CURVE_AT_BOUND: (
        "A curve stands at 0 or 1 there, where it has no standard error on this scale."
    ),
    Note.NO_EVENTS_UP_TO_THEN: (
        "Up to that time there were no events, or all patients had one, so there is no standard "
        "error."
    ),
    Note.GROUP_WITHOUT_PATIENTS: (
        "A group that was never at risk at an event was left out; it takes no degree of freedom."
    ),
    Note.PERMUTATION_INSTEAD: (
        "The permutation log-rank test keeps its level however few the patients."
    ),
    Note.NO_PAIR_DECIDED: "No pair of patients differs, so there is nothing to compare.",
    Note.ONE_ARM_WON_NOTHING: "One arm won no pair, so the ratio has no finite estimate.",
    Note.RERANDOMISE: (
        "Small trial: the size may not be the nominal; re-randomising the same statistic keeps it."
    ),
    Note.COUNTS_TAKEN_AS_POISSON: (
        "Sized for Poisson counts: where patients differ, quasi_poisson_regression or "
        "re-randomising."
    ),
    Note.NOT_WITHIN_PATIENTS: (
        "The data do not show this effect within patients: nobody had both treatments, or the "
        "periods or carry-over cannot be told apart from it."
    ),
    Note.LINKAGE_AT_ZERO: (
        "After some answer to a first treatment nobody responded in stage 2: that linkage is 0, "
        "without a standard error."
    ),
    Note.STAGE_WITHOUT_COMPARISON: "A stage has no two groups whose difference has an error.",
    Note.OVERDISPERSED: (
        "Counts vary more than Poisson's: the size exceeds the nominal; "
        "see quasi_poisson_regression."
    ),
    Note.ONE_ARM_STRATA_DROPPED: (
        "Strata without enough patients in both arms were left out of the comparison."
    ),
    Note.INTERVAL_BELOW_LEVEL: (
        "So few patients allow no 95 % interval: the widest possible is given, and covers less."
    ),
    Note.EXACT_TEST_FOR_COUNTS: (
        "Small trial: the exact conditional test (for Poisson counts) or re-randomising keeps the "
        "size."
    ),
    Note.MISSING_LEVEL_UNDECIDED: (
        "Pairs with a missing value were undecided at that outcome and went on to the next."
    ),
    Note.VARIANCE_NOT_ESTIMABLE: (
        "The variance cannot be estimated (too little varies, there are too few clusters, or the "
        "model must fit a patient exactly), so its test is not given."
    ),
    Note.NOT_DEFINED_AT_TIME: "An arm has nobody at risk up to that time.",
    Note.REFIT_FAILED: (
        "Some refits (draws, imputations or patients left out) had no estimate; see the "
        "documentation for how they count."
    ),
    Note.UNLIKE_PROCEDURE: (
        "The arms observed cannot come from the stated randomisation procedure in this order."
    ),
    Note.REFERENCE_SET_SMALL: "So few assignments were possible that no p-value is below 5 %.",
    Note.VISIT_TOO_SPARSE: (
        "At some visit, or pair of visits, too few outcomes were observed for the imputation model."
    ),
    Note.NOT_MONOTONE: "Outcomes are missing before others that were observed (not monotone).",
    Note.NOTHING_MISSING: "No outcome was missing, so nothing was imputed.",
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
        "Fewer than 40 effective patients in an arm: this standard error is too small (measured "
        "size at the nominal 5 %, 12 to 60 patients: 5.8 to 27 %). Without randomisation there is "
        "no exact test; `propensity_matched` (1.8 to 3.9 %) and `ancova` (4.0 to 5.0 %) kept their "
        "level on the same data. Arms that were randomised can be re-randomised."
    ),
    Note.PUBLISHED_MEAN_ALONE: (
        "One arm beside a published result is not randomised, so there is no exact test (measured "
        "size at the nominal 5 %, 12 to 60 patients: 0.8 to 23 % for normal and 14 to 38 % for "
        "log-normal outcomes). Take the p-value as a description; a comparison with a randomised "
        "control can be re-randomised."
    ),
    Note.POSTERIOR_WITHOUT_LEVEL: (
        "A posterior probability holds no level by itself. Deciding at 97.5 % had a measured "
        "one-sided size, at 12 to 60 patients, of 1.9 to 2.6 % for proportions (uniform priors), "
        "and of 0.1 to 35 % with controls borrowed that had drifted; for Poisson counts 5.4 to "
        "7.8 %, two-sided. `boschloo`, `poisson_exact` and re-randomisation hold theirs."
    ),
    Note.SMALL_GROUPS: (
        "Fewer than 50 patients in a group: measured size at the nominal 5 %, 12 to 60 patients in "
        "three groups, of 2.2 to 7.3 %; `logrank_permutation` of two groups at a time, with Holm's "
        "correction, keeps its level."
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
SIZE = (
    Note.SIZE_ABOVE_NOMINAL
    | Note.EXACT_ALTERNATIVE
    | Note.MID_P
    | Note.PERMUTATION_INSTEAD
    | Note.RERANDOMISE
    | Note.COUNTS_TAKEN_AS_POISSON
    | Note.EXACT_TEST_FOR_COUNTS
)
"""Notes that say, of many methods, that the size may not be the nominal one in a small trial."""


def measured(method: str, note: Note) -> tuple[str, ...]:
    """Say between which sizes a method was measured, where a note speaks of its size.

    >>> measured("negative binomial regression", Note.RERANDOMISE)
    ('Measured size of this test at the nominal 5 %, 12 to 60 patients: 0.9 to 5.7 %.',)
    """
    if not note & SIZE or method not in MEASURED:
        return ()
    low, high = MEASURED[method]
    found = f"{low} to {high} %"
    return (f"Measured size of this test at the nominal 5 %, 12 to 60 patients: {found}.",)
