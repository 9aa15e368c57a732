"""Every published fact at hand is an input, a target or left out with a reason in the model file.

The facts lie beside the project and are not part of it: without them the test skips.
"""

from __future__ import annotations

import pytest

from raresim import catalogue
from raresim.files import read
from tests.worlds import SHARED

ACCOUNTED = {
    "chronic-granulomatous-disease": (
        "cgd",
        {
            "trial_ifng": ["14/63 and 30/65 patients", "p values of the trial, median age 15"],
            "ipd_rates": ["events: 56", "rate on interferon"],
            "ipd_hr_first": ["0.335 (0.174-0.645)"],
            "ipd_hr_recurrent": ["0.334 (0.181-0.616)"],
            "ipd_nb": ["negative_binomial_theta: 1.095", "rate: 1.07", "0.357", "0.831"],
            "ipd_km": ["share: 0.831", "share: 0.719", "share: 0.608", "share: 0.299", "0.968"],
            "ipd_baseline": ["mean: 14.6", "q3: 22", "x_linked: 0.672", "0.8125", "11 and 17"],
            "longterm_ifng": ["rate: 0.015", "bacterial 0.18, fungal 0.12"],
            "letter_rates_100mo": ["0.097 per month", "1.8 and 2.0", "3.6 per 100 months"],
            "registry_us": ["259 X-linked and 81 autosomal", "1/200,000", "liver abscess 0.27"],
            "infection_rates_by_organism": ["aspergillus 2.6"],
            "aspergillus_by_superoxide": ["0.55 against 0.41"],
            "chicago_cohort": ["19 and 8 patients", "128 infections", "5.3 autosomal", "23 of 27"],
            "china_cohort": ["11 died"],
            "mortality_by_inheritance": ["X-linked 0.05 per year"],
        },
    ),
    "sma-type-1": (
        "sma1",
        {
            "age_death_or_16hvent": ["median: 13.5, q1: 8.1, q3: 22.0"],
            "efs_median_2copies_pncr": ["10.5 months: 0.5"],
            "efs_median_2copies_neuronext": ["8 months: 0.5"],
            "efs_14mo_pncr": ["14 months: 0.26", "6 of 23 event-free"],
            "all_event_by": ["all dead or permanently ventilated by, printed: 24 months"],
            "chop_never_ge40_after_6mo": ["never a CHOP INTEND of 40"],
            "P_type1_given_2copies": ["type 1 among infants with two copies"],
            "P_type_given_3copies": ["type 1 among infants with three copies"],
            "P_type3_given_4copies": ["type 3 among infants with four copies"],
            "str1ve_baseline": ["mean: 3.7", "32 (18 to 52)"],
            "str1veeu_result": ["31 of 32 event-free", "0 of 23"],
            "endear_n": ["121 infants, 80 and 41"],
            "endear_event": ["28 of 41 (68 %)", "21 (39 %) of 80"],
            "endear_milestone_final": ["37/73 and 0/37"],
            "endear_chop_resp": ["52/73 and 1/37"],
            "endear_survival": ["67/73 and 25/37"],
            "chop_reliability_2010": ["ICC 0.96"],
            "chop_reliability_nusinersen": ["0.895 (0.852 to 0.926)"],
            "chop_corr_age_copies": ["two copies -0.6, three -0.83"],
            "enrolment_pncr": ["34 of 54"],
            "endear_hine_interim_final": ["interim 0.41 and 0"],
            "chop_no_improvement_untreated": ["no improvement on CHOP INTEND untreated"],
            "chop_change_6mo_treated": ["9.0 (SD 8.0), n 61"],
            "nbs_two_copy_outcome": ["0.57 normal, 0.145 caught up"],
            "sib_concordance": ["0.848 of 303"],
        },
    ),
    "hereditary-angioedema": (
        "hae",
        {
            "trial_help": [
                "rate: 0.4925 per week",
                "1.97 (1.64 to 2.36)",
                "0.24 (0.15-0.39), 0.27 (0.18-0.41), 0.13 (0.07-0.24)",
            ],
            "help_moderate_severe": ["1.22 (0.97-1.52)", "0.20 (0.11-0.39)"],
            "help_baseline_strata": ["38, 22 and 65 of 125", "placebo 12, 8 and 21"],
            "help_effect_q2w_by_stratum": ["92.8, 88.2 and 85.9 %"],
            "help_d0_69": ["negative_binomial_theta: 2.15", "2.04 a month of 28 days", "26.8 %"],
            "help_ltp_switch_placebo": ["4.0, 4.6 and 2.9"],
            "apex2_design": [
                "mean: 41.6, sd: 15.2, n: 121",
                "female: 0.661",
                "121 patients, 41, 40 and 39 treated",
            ],
            "apex2_flow": ["41, 40 and 40 started, 40, 38 and 36 completed"],
            "apex1_ops": ["mean: 44.5, sd: 12.5", "female: 0.613", "86 screened, 77 randomised"],
            "apexj_ops": ["mean: 42, sd: 13, n: 19", "female: 0.84", "19 at 11 sites"],
            "berotralstat_meta": ["control 0.55 and 0.95 a week", "-0.39 (-0.74 to -0.05)"],
            "sahara_ops": ["81 screened, 75 randomised, 33 sites"],
            "help_prior_ltp": [
                "c1_inhibitor: 0.48",
                "60, 10 and 55 of 125",
                "3.3, 3.7, 4.6 in run-in",
            ],
            "help_aeqol": ["-5.41 (22.92)", "37 and 70 %"],
            "help_sites": ["41 sites, 125 patients"],
            "trial_vanguard": ["0.62 attack-free of 39", "share: 0, n: 25"],
            "vanguard_dates": ["2021-01-27 to 2022-06-07, 76 patients"],
            "oasis_design": ["91 patients, 2:1 by interval and 3:1 to placebo"],
            "attacks_germany": [
                "mean: 11.2, sd: 7.7",
                "131110 attacks and 370 (6.5 %) symptom-free years in 5736 years",
            ],
            "epidemiology_austria": [
                "137 patients, 1 in 64,396",
                "median onset 6.5, diagnosis 21.0",
            ],
            "onset_prehaeat": ["median 11 (0 to 38), diagnosis 26 years"],
            "berotralstat_rw": ["2.50 and 0.79 attacks a month"],
        },
    ),
    "pulmonary-arterial-hypertension": (
        "pah",
        {
            "trial_stellar": ["40.8 (27.5-54.1)", "mean: 47.9, sd: 14.8", "0.389 and 0.101"],
            "trial_seraphin": [
                "116 of 250 (46.4 %)",
                "0.55 (97.5 % CI 0.39-0.76)",
                "0.70 (0.52-0.96)",
            ],
            "seraphin_6mwd": ["mean: -9.4", "sd: 100.6", "12.5 (83.5) m; 22.8"],
            "seraphin_death_eos": ["35 and 44; 0.77 (0.46-1.28)"],
            "seraphin_baseline": [
                "mean: 46, sd: 16",
                "mean: 2.7, sd: 4.0",
                "mean: 360, sd: 100",
                "II: 0.524",
                "idiopathic: 0.55",
                "share: 0.637",
            ],
            "seraphin_change_sd": ["cardiac index -0.33 (0.65)", "PVR 115.8 %"],
            "seraphin_6mwd_quantiles": ["baseline 300 and 430; month 6 348, 400, 455"],
            "seraphin_targets": ["cardiac index 2.5, RAP 8, NT-proBNP 750"],
            "trial_griphon": ["mean: 348, sd: 83", "mean: -66, sd: 148", "0.244 and 0.364"],
            "griphon_primary_paper": ["0.416 and 0.270; 181 centres", "share: 0.737"],
            "griphon_ops": ["share: 0.8, n: 1156", "76.4 (50.45) and 71.2 (48.32) weeks"],
            "griphon_ctd_baseline": ["walk 334.0 (84.9) on placebo", "61.2 (9.9) and 38.6 (11.3)"],
            "progression_components_pooled": ["0.204 and 0.363, hospital 0.088 and 0.169"],
            "baseline_by_risk": ["mean: 298, sd: 126", "442 (100), 299 (109), 186 (103)"],
            "reveal_baseline": [
                "mean: 53, sd: 14",
                "female: 0.795",
                "54 centres, 2967 in 19 months",
            ],
            "reveal_survival": ["1 year 0.904 and 0.863, 5 years 0.654 and 0.612"],
            "smwd_mcid": [
                "33 (27-38) m in trials",
                "mean: 50.5, sd: 15.2",
                "female: 0.77, male: rest}, n: 2404",
            ],
            "smwd_mid_distribution": ["25.1 to 38.5 by distribution"],
            "smwd_mid_sildenafil": ["important difference with sildenafil, printed: 41 m"],
            "stellar_flow": ["434 screened, 324 randomised", "female: 0.79"],
            "smwd_meta": ["34.6 (27.4-41.9)"],
        },
    ),
    "cystic-fibrosis": (
        "cf",
        {
            "ppfev1_slope_ff": ["mean: -0.8785, se: 0.023", "-1.91 (-2.01 to -1.80), n 11,916"],
            "ppfev1_slope_rf": ["mean: -0.70, se: 0.20", "interval -1.09 to -0.30"],
            "ppfev1_slope_ff_18_24": ["mean: -2.52, se: 0.09"],
            "ppfev1_first": [
                "mean: 73.4, sd: 26.5",
                "mean: 80.4, sd: 24.8",
                "mean: 18.0, sd: 9.6",
                "mean: 23.0, sd: 12.1",
            ],
            "ppfev1_slope_uk": [
                "mean: -1.52, se: 0.071",
                "-0.55 (-0.86 to -0.23)",
                "females -1.76, males -1.61",
            ],
            "trial_strive": ["84 and 83 randomised, 83 and 78 dosed; 10.6 points"],
            "trial_envision": ["26 and 26 children; 12.5 points"],
            "rhdnase_pex": [
                "rate: 1.39",
                "139 of 325 had one",
                "104 of 322 with one, 1.06 per patient-year; rate ratio 0.755",
                "theta 2.08; rate ratio 0.846",
            ],
            "rhdnase_fev": ["mean: 61.1, sd: 26.1", "median: 57.6, q1: 40.0, q3: 83.2"],
            "ppfev1_var_components_us": [
                "59.29 (58.83-59.76), between patients 324.9 (307.6-342.2)",
                "59.24 and 326.8",
            ],
            "ppfev1_covariate_effects_us": ["baseline 0.683 per point", "P. aeruginosa -0.57"],
            "ppfev1_baseline_r2_dk": ["0.63 at 1 year, 0.40 at 3 and about 0.30 at 5 years"],
            "ppfev1_within_share_dk": [
                "mean: -0.96, se: 0.054",
                "half of the variability, correlated for over 15 years",
            ],
            "ppfev1_slope_persistence": [
                "r below 0.1 after 3 to 8 years",
                "0.37 to 0.49; 26,393 patients",
            ],
            "ppfev1_yearly_change_individual": [
                "losses of 1 to 3 points, steepest at 14 to 15 years; 1 to 2 after 30"
            ],
            "ppfev1_slope_before_after_modulator": [
                "mean: -1.35, se: 0.099",
                "step 1.51 (0.49-2.48), slope 0.86 (0.31-1.41)",
            ],
            "sex_slope_uk": ["males 0.11 a year less (0.08-0.14)"],
            "survival_model_cindex_uk": ["C-index 0.873, 0.843, 0.804"],
            "slope_eti_vs_control": ["mean: -1.92, se: 0.12", "0.39 (-0.06 to 0.85)"],
            "trial_445_102": ["403 patients; 13.8 points at week 4, 14.3 through week 24"],
            "trial_traffic_transport": [
                "baseline below 40: 81 patients, 3.7 and 3.3 points",
                "40 and above: 1,016, 3.3 and 2.8",
            ],
            "trial_r117h": [
                "69 patients, 35 sites in 2 countries, 50 adults; adults 5.0 points (p 0.01)"
            ],
            "trial_lau7b": [
                "mean: -1.95, n: 83",
                "166 patients, 122 with 5 cycles or more; -1.18 on drug",
            ],
            "dropout_simplify_hs": ["184 and 186 started, 181 and 183 completed 6 weeks"],
            "pex_paediatric_epic": ["5,129 in 1,734 patients"],
            "dropout_azli_5y": ["510 enrolled, 334 completed"],
            "trial_effects_table": ["dornase 5.8 and 28 %", "triple 13.8 and 63 %"],
            "fev1_variability_by_sex_uk": ["7,099 adults of 18 to 49"],
            "simplify_ops": ["80 clinics, 2020-08-25 to 2022-05-25"],
        },
    ),
    "friedreich-ataxia": (
        "frda",
        {
            "sara_slope": ["0.82 (SE 0.05)"],
            "sara_slope_amb": ["ambulant 1.12"],
            "sara_slope_nonamb": ["not ambulant 0.50"],
            "adl_slope": ["0.93 (SE 0.05)"],
            "sara_modifiers": ["slope: -0.02", "slope: 0.09", "-0.07 per baseline point"],
            "corr_GAA1_onset": ["correlation: -0.6", "-0.1, 9.3 %"],
            "loa_early_onset": ["11.5 (8.6-16.2)"],
            "age_death_mean": ["37.5 years"],
            "mfars_3y_facoms": ["mean: 6.6", "3-year change on omaveloxolone"],
            "trial_moxie": ["mean: 0.85, se: 0.64", "-2.40 (-4.31 to -0.50)"],
            "fars_12mo": ["9.5 (9.1)"],
            "icars_fim_12mo": ["5 (6.8), 3.1 (6.0)"],
            "fars_n_per_group_50pct": ["patients per group for a 50 % slowing"],
            "flow_fachild": ["108 enrolled, 85 completed"],
            "screening_moxie": ["155 screened, 103 randomised"],
            "scale_correlations": ["SARA with FARS 0.938"],
            "loa_within_2y_if_support": ["loss of ambulation within 2 years"],
            "adl_items_by_mfars_band": ["activity items by mFARS band"],
            "efacts_typical_predictors": ["12 to 24"],
            "enrolment_ionia": ["70 randomised in 16 months"],
        },
    ),
}


@pytest.mark.parametrize("name", sorted(ACCOUNTED))
def test_every_fact_that_was_read_has_its_place(name: str) -> None:
    key, places = ACCOUNTED[name]
    facts = SHARED / "facts" / f"{key}.yaml"
    if not facts.is_file():
        pytest.skip("the collection of facts is not at hand")
    wanted = {f["id"] for f in read(facts).data["facts"] if f["basis"] in ("read", "ipd")}
    assert wanted == set(places)


@pytest.mark.parametrize("name", sorted(ACCOUNTED))
def test_each_place_stands_in_the_model_file(name: str) -> None:
    text = catalogue.find("models", name).read_text()
    missing = [
        (fact, part)
        for fact, parts in ACCOUNTED[name][1].items()
        for part in parts
        if part not in text
    ]
    assert missing == []
