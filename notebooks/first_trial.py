# %% [markdown]
# # Your first virtual cohort and trial
# Forty artificial patients with Friedreich ataxia, and a trial on patients like them.

# %%
import raresim

model = raresim.load_model("friedreich-ataxia")
cohort = raresim.sample_cohort(model, n=40, seed=1)
print(cohort.patients[["onset_age", "age", "mfars", "mfars_after_1_year"]].describe().round(1))

# %% [markdown]
# How often does a trial in 100 patients find a drug that slows mFARS by 2.4 points in 48 weeks?

# %%
scenario = raresim.load_scenario("friedreich-48-weeks")
run = raresim.simulate(scenario, replicates=512, seed=1, workers=1)
power = run.summary.success
print(f"power {power.value:.3f}, Monte Carlo standard error {power.mcse:.3f}")

# %% [markdown]
# And with 60 patients? The first 60 are the same patients: common luck makes the difference sharp.

# %%
smaller = raresim.simulate(scenario.changed({"design.randomise.n": 60}), 512, seed=1, workers=1)
print(f"power with 60 patients {smaller.summary.success.value:.3f}")

# %% [markdown]
# Exercises: what does `truth.uncertainty: all` do to the answer, and why? What does
# `design.randomise.n` have to be for 80 %? How far does `place="upper"` move it?
