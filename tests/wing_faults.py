"""Faults of the wings, each with the test that must find it, and harmless changes, which no test of a wing may mind.

They are slips that such code invites: the wrong side, the wrong place, the last one left out, a limit taken the wrong
way round, something that is no longer compared. `python -m tests.wing_matrix` plants them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """Replaces `old`, which must be there once, by `new` in a module of the package.

    tests: what is run on it, below tests/: the test that must fail or, of a harmless change, all that must pass.
    """

    name: str
    module: str
    old: str
    new: str
    tests: str

    @property
    def wing(self) -> str:
        return self.module.partition("/")[0].removesuffix(".py")

    def planted(self, text: str) -> str:
        """The module's text with the change."""
        assert text.count(self.old) == 1, f"{self.module} has {text.count(self.old)} places that read {self.old!r}"
        return text.replace(self.old, self.new)


DIFF, GAP, MATRIX, JUNIT = (f"traces/{m}.py" for m in ("diff", "gap", "matrix", "junit"))
GATE = "gate/gate.py"
AGAINST, CLAIMS, PUBLISHED, POPULATION, ROUNDING, VERDICT = (
    f"verdicts/{m}.py" for m in ("against", "claims", "with_published", "population", "rounding", "verdict")
)
SUMMARY, JOBS = (f"studies/{m}.py" for m in ("summary", "jobs"))
RUN, VERIFY, RECORD = (f"runs/{m}.py" for m in ("run", "verify", "record"))
CHARTS, LINES, TABLES, DIFFERENCES, PARTS = (
    f"report/{m}.py" for m in ("charts", "lines", "tables", "differences", "parts")
)
STATISTICS = "statistics.py"

G = "traces/test_gap.py::test_"
D = "traces/test_diff.py::test_"
M = "traces/matrix/test_groups.py::test_"
T = "traces/matrix/test_times.py::test_"
S = "gate/test_gate.py::test_"
N = "gate/test_rounds.py::test_"
E = "verdicts/test_equal_and_close.py::test_"
A = "verdicts/test_accuracies.py::test_"
C = "verdicts/test_claims.py::test_"
P = "verdicts/test_population.py::test_"
B = "verdicts/test_claims_of_other_recipes.py::test_"
Y = "studies/test_summary.py::test_"
U = "studies/test_study.py::test_"
V = "runs/test_verify.py::test_"
R = "runs/test_run.py::test_"
X = "test_statistics.py::test_"

FAULTS = (
    # traces: what is compared, counted, and how it grows
    Fault("a shape that differs is none", GAP, "(a.shape, a.dtype, a.sha256) != (b.shape, b.dtype, b.sha256)", "(a.dtype, a.sha256) != (b.dtype, b.sha256)", D + "the_same_bytes_in_another_shape_or_type_are_a_difference"),
    Fault("a type that differs is none", GAP, "(a.shape, a.dtype, a.sha256) != (b.shape, b.dtype, b.sha256)", "(a.shape, a.sha256) != (b.shape, b.sha256)", D + "the_same_bytes_in_another_shape_or_type_are_a_difference"),
    Fault("the equal values are counted", GAP, "int(np.count_nonzero(x != y))", "int(np.count_nonzero(x == y))", G + "of_indices_and_masks_it_is_counted_how_many_differ"),
    Fault("the smallest difference in place of the largest", GAP, "np.abs(x.astype(np.float64) - y.astype(np.float64)).max()", "np.abs(x.astype(np.float64) - y.astype(np.float64)).min()", G + "the_gap_is_over_all_values_where_both_traces_kept_them"),
    Fault("a norm over the smaller of the two", GAP, "return distance / max(norms) if distance else 0.0", "return distance / min(norms) if distance else 0.0", G + "norms_are_over_the_larger_side_and_all_weights_together"),
    Fault("ulps of negative numbers counted upwards", GAP, "np.where(bits >= 0, bits, -(bits & 0x7FFFFFFF))", "np.where(bits >= 0, bits, bits & 0x7FFFFFFF)", G + "a_difference_near_zero_is_small_beside_the_norm"),
    Fault("samples though all values were kept", GAP, "    if read_a is None or read_b is None:\n", "    if True:\n", G + "the_gap_is_over_all_values_where_both_traces_kept_them"),
    Fault("growth without the first step", GAP, "    step = 1\n", "    step = 2\n", G + "growth_is_over_all_values_where_both_traces_kept_them"),
    Fault("growth of the gradients in place of the weights", GAP, 'step {step}/update/")', 'step {step}/gradient/")', G + "growth_is_over_all_values_where_both_traces_kept_them"),
    Fault("growth is 0 where only the samples are equal", GAP, "any(x.size < math.prod(a.shape) for a, _, x, _ in differing)", "False", G + "equal_samples_are_not_called_equal"),
    Fault("growth is the sum of norms, not their root of squares", GAP, "distance = math.hypot(*(", "distance = sum((", G + "norms_are_over_the_larger_side_and_all_weights_together"),
    Fault("what only the second trace has is no difference", DIFF, "self.first is None and not self.missing and not self.extra", "self.first is None and not self.missing", G + "a_renamed_entry_is_reported"),
    Fault("the last tensor that differs in place of the first", DIFF, "next((name for name in ours if", "next((name for name in reversed(ours) if", "traces/test_planted_causes.py::test_the_first_place_of_a_planted_cause_is_named"),
    Fault("other code is no difference", DIFF, "    environment += code_differences([a.header.code], b.header.code)\n", "", D + "other_code_is_a_difference_of_the_environments"),
    Fault("other test images are not told", DIFF, '        "test fingerprint": data.fingerprints.test[:12],\n', "", D + "all_parts_of_the_experiment_are_compared"),
    Fault("the dropout seed explains images that are not augmented", DIFF, 'kind == "data" and header.recipe.augmentation != "none"', 'kind == "data"', D + "an_augmentation_draws_from_the_generator_of_dropout"),
    Fault("the order seed explains another split", DIFF, '"split": ("split seed",', '"split": ("split seed", "order seed",', D + "the_cause_is_what_decides_such_a_tensor"),
    Fault("the environments are not compared", DIFF, "environment = differences(a.header.environment, b.header.environment)", "environment = differences(a.header.environment, a.header.environment)", "traces/test_planted_causes.py::test_another_setting_is_named_and_the_numbers_part_in_an_operation_if_at_all"),
    Fault("identity in the matrix without the name", MATRIX, "return entry.name, entry.sha256, tuple(entry.shape), entry.dtype", 'return "", entry.sha256, tuple(entry.shape), entry.dtype', M + "tensors_that_changed_places_make_another_group"),
    Fault("identity in the matrix without the shape", MATRIX, "return entry.name, entry.sha256, tuple(entry.shape), entry.dtype", "return entry.name, entry.sha256, (), entry.dtype", M + "one_entry_that_differs_makes_another_group"),
    Fault("identity in the matrix without the digest", MATRIX, "return entry.name, entry.sha256, tuple(entry.shape), entry.dtype", 'return entry.name, "", tuple(entry.shape), entry.dtype', M + "traces_with_equal_digests_share_a_letter"),
    Fault("the loss of the first step in the matrix", MATRIX, 'name = f"step {first.header.steps}/loss"', 'name = "step 1/loss"', M + "the_loss_of_the_last_step_is_compared_with_the_first_trace"),
    Fault("traces of other data share a table", MATRIX, '{**parts, "data.fingerprints": header.data.fingerprints}', "{**parts}", M + "traces_of_another_experiment_are_refused"),
    Fault("a gate's time for any trace", MATRIX, "fitting = [path for path, differing in apart.items() if not differing]", "fitting = list(apart)", T + "a_gate_gives_its_ratio_to_the_trace_of_its_b"),
    Fault("a gate whose A is another environment is taken", MATRIX, "if differing := arrows(environments[first], made.a.environment, TIMED):", "if differing := []:", T + "a_gate_of_another_environment_is_refused"),
    Fault("threads do not matter to a time", MATRIX, '"gpu", "threads", "memory_format")', '"gpu", "memory_format")', T + "a_gate_of_another_environment_is_refused"),
    Fault("skipped tests count as passed", JUNIT, '"skipped": "skipped"', '"skipped": "passed"', "traces/test_junit.py::test_every_outcome_of_a_suite_is_counted"),
    # gate: A against A, the intervals, the second pair of processes
    Fault("B against A", GATE, "logs = np.log(np.asarray(second)) - np.log(np.asarray(first))", "logs = np.log(np.asarray(first)) - np.log(np.asarray(second))", S + "a_slowdown_of_a_tenth_is_found"),
    Fault("the mean in place of the median", GATE, "return Comparison(float(np.exp(np.median(logs)))", "return Comparison(float(np.exp(np.mean(logs)))", S + "a_few_disturbed_rounds_weigh_nothing"),
    Fault("a 50 % interval", GATE, "[0.005, 0.025, 0.975, 0.995]", "[0.005, 0.25, 0.75, 0.995]", S + "the_interval_holds_the_truth"),
    Fault("the inner interval of A against A", GATE, "(lower, upper), (low, high))", "(lower, upper), (lower, upper))", S + "what_counts_of_a_against_a_is_its_wide_interval"),
    Fault("A against A only upwards", GATE, "max(same.wide_interval[1], 1 / same.wide_interval[0], LEAST_DETECTABLE)", "max(same.wide_interval[1], LEAST_DETECTABLE)", S + "nothing_below_the_detectable_is_called"),
    Fault("no least difference", GATE, "1 / same.wide_interval[0], LEAST_DETECTABLE)", "1 / same.wide_interval[0])", S + "nothing_below_the_detectable_is_called"),
    Fault("slower by the ratio alone", GATE, "if interval[0] > 1 and ratio > detectable:", "if ratio > detectable:", S + "nothing_below_the_detectable_is_called"),
    Fault("slower by the interval alone", GATE, "if interval[0] > 1 and ratio > detectable:", "if interval[0] > 1:", S + "nothing_below_the_detectable_is_called"),
    Fault("faster whatever A against A shows", GATE, 'if interval[1] < 1 and ratio < 1 / detectable else None', 'if interval[1] < 1 else None', S + "nothing_below_the_detectable_is_called"),
    Fault("A against B sets what can be told", GATE, "detectable(compare(a_first, a_again))", "detectable(compare(a_seconds, b_seconds))", S + "a_slowdown_of_a_tenth_is_found"),
    Fault("one pair of processes", GATE, "_phase([(a1, b1), (a2, b2)], rounds,", "_phase([(a1, b1)], rounds,", N + "every_process_has_its_share_of_the_rounds"),
    Fault("A against itself in one process", GATE, "_phase([(a1, a2)], rounds,", "_phase([(a1, a1)], rounds,", N + "every_process_has_its_share_of_the_rounds"),
    Fault("A is always first", GATE, "[True, False] * (rounds // 2) + [True] * (rounds % 2)", "[True] * rounds", N + "a_trend_favours_neither_side"),
    Fault("rounds as the ratio, not as its square", GATE, "math.ceil(found.rounds / shrink**2)", "math.ceil(found.rounds / shrink)", S + "half_the_difference_takes_four_times_the_rounds"),
    Fault("the losses of the sides are not compared", GATE, "loss_difference=relative_difference(one_a.losses, one_b.losses)", "loss_difference=relative_difference(one_a.losses, one_a.losses)", "gate/test_processes.py::test_the_command_finds_a_slower_checkout"),
    Fault("the seconds of a round for those of a step", GATE, "seconds_a_step=median(b_seconds) / one_b.steps", "seconds_a_step=median(b_seconds)", S + "the_seconds_of_a_step_are_those_of_a_round_by_its_steps"),
    # studies: spreads, what a finished run must be
    Fault("the deviation of a population", SUMMARY, "sd = float(x.std(ddof=1))", "sd = float(x.std(ddof=0))", Y + "a_summary_is_that_of_the_textbook"),
    Fault("a normal interval of few runs", SUMMARY, "float(t.ppf((1 + CONFIDENCE) / 2, len(x) - 1))", "float(t.ppf((1 + CONFIDENCE) / 2, 10**6))", Y + "a_summary_is_that_of_the_textbook"),
    Fault("a 90 % interval", SUMMARY, "CONFIDENCE = 0.95", "CONFIDENCE = 0.9", Y + "a_summary_is_that_of_the_textbook"),
    Fault("intervals of proportions beyond 1", SUMMARY, "low, high = max(0.0, low), min(1.0, high)", "low, high = max(0.0, low), high", Y + "the_interval_of_a_mean_of_fractions_stays_within_0_and_1"),
    Fault("an interval of two runs", SUMMARY, "few = 1 < len(values) < FEWEST_FOR_INTERVAL", "few = False", "studies/test_text.py::test_fewer_than_five_runs_have_a_range_and_no_interval"),
    Fault("n degrees of freedom for the deviation", SUMMARY, "(1 - CONFIDENCE) / 2], n - 1)", "(1 - CONFIDENCE) / 2], n)", Y + "the_interval_of_a_deviation_is_that_of_the_tables"),
    Fault("the variance of accuracies over n", SUMMARY, "accuracy = float(of_seed.var(ddof=1))", "accuracy = float(of_seed.var())", Y + "variance_parts_of_a_hand_worked_table"),
    Fault("the rest without the mean", SUMMARY, "rest = x - of_seed[:, None] - of_image[None, :] + mean", "rest = x - of_seed[:, None] - of_image[None, :]", Y + "variance_parts_of_a_hand_worked_table"),
    Fault("the rest over all cells", SUMMARY, "freedom = (seeds - 1) * (images - 1)", "freedom = seeds * images", Y + "variance_parts_of_a_hand_worked_table"),
    Fault("networks that differ by less than nothing", SUMMARY, "networks = max(0.0, accuracy - test_set)", "networks = accuracy - test_set", Y + "networks_never_differ_by_less_than_nothing"),
    Fault("a fresh test set no harder than this one", SUMMARY, "fresh_test_set=networks + (of_images + ms_rest) / images", "fresh_test_set=networks + ms_rest / images", Y + "the_true_difference_and_a_fresh_test_set_are_the_true_ones"),
    Fault("bits in the other order", SUMMARY, "np.packbits(correct).tobytes()", 'np.packbits(correct, bitorder="little").tobytes()', Y + "correctness_takes_a_bit_an_image"),
    Fault("validation losses under training losses", SUMMARY, "summary([epoch.valid_loss for epoch in at])", "summary([epoch.train_loss for epoch in at])", Y + "a_study_is_summarised_epoch_by_epoch_and_class_by_class"),
    Fault("a finished run is not tested again", JOBS, "elif recorded is None or result.confusion.tolist() != recorded.confusion:", "elif recorded is None:", U + "weights_that_are_not_the_runs_are_refused"),
    Fault("another torch goes on with a study", JOBS, "if torch.__version__ != job.torch:", "if False:", U + "another_torch_does_not_go_on_with_a_study"),
    Fault("bits of the wrong images", JOBS, "(result.predicted == data.test.labels)", "(result.predicted != data.test.labels)", U + "the_bits_are_those_of_the_best_weights"),
    Fault("a diverged run counts as one", JOBS, '        if record.status == "diverged":\n            return Outcome(name, None)\n', "", U + "a_diverged_run_is_listed_and_left_out"),
    # verdicts: what is compared, at which epochs and steps, and what is said
    Fault("validation losses are not compared bit by bit", AGAINST, '("train_loss", "valid_loss", "weights_sha256")', '("train_loss", "weights_sha256")', E + "one_other_bit_of_one_epoch_is_not_bitwise"),
    Fault("weights are not compared", AGAINST, '("train_loss", "valid_loss", "weights_sha256")', '("train_loss", "valid_loss")', E + "one_other_bit_of_one_epoch_is_not_bitwise"),
    Fault("tests are not compared bit by bit", AGAINST, "        if one.test != other.test:\n", "        if False:\n", E + "other_test_results_are_not_bitwise"),
    Fault("runs of other data are paired", AGAINST, "if a.data.fingerprints != b.data.fingerprints:", "if a.data.fingerprints.train != b.data.fingerprints.train:", E + "other_data_is_told_and_forbids_the_first_rungs"),
    Fault("runs without a partner count as equal", AGAINST, "return Check(BITWISE, not alone, sentence,", "return Check(BITWISE, True, sentence,", E + "equal_pairs_beside_runs_without_a_partner_are_close"),
    Fault("the test's loss may be anything", AGAINST, '        found.append((tested(one).loss, tested(other).loss, tolerances.later, "test loss"))\n', "", E + "another_test_loss_is_not_close"),
    Fault("the least gap decides", AGAINST, "ratio, most, where = max(gaps)", "ratio, most, where = min(gaps)", E + "a_single_loss_beyond_rounding_is_not_close"),
    Fault("rounding of one side alone is judged", AGAINST, "if tolerances is None or growth(b.recipe, b.data) is None:", "if tolerances is None:", E + "rounding_is_not_judged_where_its_growth_was_not_measured"),
    Fault("close covers up other accuracies", AGAINST, "if outcome == DIFFERENT and checks[1].holds:", "if False:", E + "close_losses_with_other_accuracies_are_different"),
    Fault("other environments are not told", AGAINST, "    if environments := arrows(", "    if environments := False and arrows(", A + "what_else_differs_is_told"),
    Fault("the environment of the first run alone", AGAINST, "str(getattr(run.environment, name)) for run in study.runs}", "str(getattr(run.environment, name)) for run in study.runs[:1]}", A + "what_else_differs_is_told"),
    Fault("other test images are not told by the verdict", AGAINST, '(ours.test, theirs.test, "tested")', '(ours.test, ours.test, "tested")', E + "other_data_is_told_and_forbids_the_first_rungs"),
    Fault("a larger margin than was asked for", AGAINST, "found = statistics.compare(ours, theirs, margin)", "found = statistics.compare(ours, theirs, 2 * margin)", A + "what_is_said_of_accuracies"),
    Fault("the tolerance of the epoch before", ROUNDING, "self.measured[name][epoch - 1] if epoch <= self.telling", "self.measured[name][max(0, epoch - 2)] if epoch <= self.telling", E + "tolerances_are_ten_times_the_errors_measured"),
    Fault("the last telling epoch as a later one", ROUNDING, "if epoch <= self.telling else", "if epoch < self.telling else", E + "tolerances_are_ten_times_the_errors_measured"),
    Fault("telling as long as either loss is", ROUNDING, "return min(len(tolerances)", "return max(len(tolerances)", E + "both_losses_must_tell"),
    Fault("the mean error in place of the largest", ROUNDING, "max(max(errors) for errors in epochs[: e + 1])", "max(min(errors) for errors in epochs[: e + 1])", E + "tolerances_are_ten_times_the_errors_measured"),
    Fault("rounding is judged on any number of images", ROUNDING, ' or data.images("train") != table["images"]', "", E + "rounding_is_not_judged_where_its_growth_was_not_measured"),
    Fault("the published epoch before", CLAIMS, "lambda run: _losses(run.epochs[: len(epochs)]),\n        values,", "lambda run: _losses(run.epochs[1 : len(epochs) + 1]),\n        values,", C + "runs_about_the_published_one_are_consistent_with_it"),
    Fault("the last losses in place of the first", CLAIMS, "lambda run: _losses(run.epochs[: len(epochs)]),\n        values,", "lambda run: _losses(run.epochs[-len(epochs) :])[::-1],\n        values,", C + "one_number_that_does_not_fit_is_not_consistent"),
    Fault("training and validation losses in turn taken for halves", CLAIMS, "fmean(losses[k :: len(LOSSES)])", "fmean(losses[k * len(losses) // 2 : (k + 1) * len(losses) // 2])", C + "a_run_with_other_losses_is_found"),
    Fault("a test of fewer epochs is compared", CLAIMS, '        if length == epochs:\n            claims += _exact_test(published["test"]) if "test" in published else []\n', '        if True:\n            claims += _exact_test(published["test"]) if "test" in published else []\n', C + "fewer_epochs_are_compared_as_far_as_they_go"),
    Fault("running losses of any window are compared", CLAIMS, "if not window or (window, steps) == (WINDOW, STEPS):", "if True:", B + "running_losses_at_other_steps_than_the_published_are_not_compared"),
    Fault("the accuracy of the epoch after", CLAIMS, "run.epochs[epoch - 1].valid_accuracy", "run.epochs[min(epoch, len(run.epochs) - 1)].valid_accuracy", B + "the_keras_claims_are_of_the_epochs_they_name"),
    Fault("classes by their place", CLAIMS, "return [of[name] for name in names]", "return list(of.values())[: len(names)]", C + "classes_are_compared_by_their_names"),
    Fault("a cut percentage as a rounded one", "verdicts/published/__init__.py", "return float(percent), float(percent) + 1", "return percent - 0.5, percent + 0.5", B + "a_cut_percentage_stands_for_all_that_is_cut_to_it"),
    Fault("many numbers as if each were alone", PUBLISHED, "self.p = statistics.bonferroni(self.each)", "self.p = float(np.nanmin(self.each))", C + "a_run_of_the_same_kind_is_rarely_called_not_consistent"),
    Fault("a changed recipe has a verdict", PUBLISHED, "if changes := changed(recipe):", "if changes := []:", C + "runs_of_a_changed_recipe_are_inconclusive"),
    Fault("losses alone reproduce a result", PUBLISHED, "elif outcome == CONSISTENT and not any(", "elif False and not any(", C + "a_short_study_is_no_reproduction_of_a_long_run"),
    Fault("a band beyond 100 %", PUBLISHED, "np.maximum(low, 0.0), np.minimum(high, 100.0)", "np.maximum(low, 0.0), high", C + "where_a_new_run_is_expected_stays_within_0_and_100_per_cent"),
    Fault("two others are enough", POPULATION, "FEWEST = 3", "FEWEST = 2", P + "one_or_two_others_say_nothing"),
    Fault("study and published run in turn", POPULATION, "        (False, False, True): PUBLISHED,\n        (False, True, False): STUDY,\n", "        (False, False, True): STUDY,\n        (False, True, False): PUBLISHED,\n", P + "the_one_with_other_accuracies_is_the_odd_one"),
    Fault("the study beside itself", POPULATION, "welch_p(np.stack(ours, axis=1), np.stack([number.others for number in numbers], axis=1))", "welch_p(np.stack(ours, axis=1), np.stack(ours, axis=1))", P + "the_one_with_other_accuracies_is_the_odd_one"),
    Fault("the deviation of others as of a population", POPULATION, "sd = float(values.std(ddof=1)) if len(values) > 1 else None", "sd = float(values.std()) if len(values) > 1 else None", P + "the_main_numbers_are_those_of_first_tenth_and_last_epoch_and_of_the_test"),
    Fault("the ninth epoch for the tenth", POPULATION, "min(10, last)", "min(9, last)", P + "the_main_numbers_are_those_of_first_tenth_and_last_epoch_and_of_the_test"),
    Fault("runs that diverged are not told", VERDICT, "names = [run.folder for run in results.diverged]", "names: list[str] = []", A + "what_else_differs_is_told"),
    Fault("the accuracy as a fraction of the wrong total", VERDICT, "return 100 * test.correct / test.total", "return 100 * test.correct / sum(c.correct for c in test.per_class)", A + "an_accuracy_is_the_number_nearest_to_its_percentage"),
    Fault("two runs of one seed", VERDICT, "if len(set(seeds)) < len(seeds):", "if False:", A + "results_that_are_not_whole_are_refused"),
    # statistics
    Fault("relative to the smaller one", STATISTICS, "np.maximum(np.abs(a), np.abs(b))[apart]", "np.minimum(np.abs(a), np.abs(b))[apart]", M + "the_loss_of_the_last_step_is_compared_with_the_first_trace"),
    Fault("Student's test in place of Welch's", STATISTICS, 'groups.tconfint_diff(LEVEL, usevar="unequal")', 'groups.tconfint_diff(LEVEL, usevar="pooled")', X + "welch_interval_of_a_textbook_example"),
    Fault("the p-value of equal variances", STATISTICS, '.ttest_ind(usevar="unequal")[1]', '.ttest_ind(usevar="pooled")[1]', X + "welch_p_is_what_r_gives_for_its_sleep_data"),
    Fault("TOST at 10 %", STATISTICS, "return self.p_equivalent < LEVEL", "return self.p_equivalent < 2 * LEVEL", X + "equivalence_is_the_narrow_interval_within_the_margin"),
    Fault("a mean is predicted, not a run", STATISTICS, "values.std(axis=0, ddof=1) * math.sqrt(1 + 1 / n)\n    return", "values.std(axis=0, ddof=1) * math.sqrt(1 / n)\n    return", X + "prediction_interval_of_a_textbook_example"),
    Fault("the farther end of a published range", STATISTICS, "np.maximum(np.asarray(low) - mean, mean - np.asarray(high))", "np.maximum(np.asarray(high) - mean, mean - np.asarray(low))", X + "published_bounds_are_as_far_as_their_nearest_end"),
    Fault("Holm without its running maximum", STATISTICS, "np.minimum(1, np.maximum.accumulate(np.arange(len(p), 0, -1) * p[rising]))", "np.minimum(1, np.arange(len(p), 0, -1) * p[rising])", X + "holm_is_that_of_statsmodels"),
    Fault("Bonferroni counts numbers that are none", STATISTICS, "    p = p[~np.isnan(p)]\n    return min(1.0, len(p) * float(p.min())) if len(p) else math.nan", "    return min(1.0, len(p) * float(np.nanmin(p))) if len(p) else math.nan", X + "numbers_without_spread_are_not_judged"),
    Fault("normal tails alone", STATISTICS, "return max(float(t.ppf(1 - level / 2, n - 1)), factor)", "return float(t.ppf(1 - level / 2, n - 1))", X + "the_interval_holds_for_heavy_tails"),
    # runs: what verify compares, which weights are kept, what a record says
    Fault("validation losses are not verified", VERIFY, '("train_loss", "valid_loss", "saved", "weights_sha256")', '("train_loss", "saved", "weights_sha256")', V + "the_first_epoch_that_differs_is_named_with_both_values"),
    Fault("weights are not verified", VERIFY, '("train_loss", "valid_loss", "saved", "weights_sha256")', '("train_loss", "valid_loss", "saved")', V + "the_first_epoch_that_differs_is_named_with_both_values"),
    Fault("the last epoch is not verified", VERIFY, 'record.recipe.with_changes({"epochs": len(recorded)})', 'record.recipe.with_changes({"epochs": max(1, len(recorded) - 1)})', V + "a_repeated_run_is_identical"),
    Fault("verify with the threads of here", VERIFY, "    seeding.make_deterministic(settings.threads)\n    changed", "    changed", V + "a_run_is_repeated_with_its_own_threads"),
    Fault("the environment of here against itself", VERIFY, "changed = differences(settings, environment(", "changed = differences(environment(torch.device(settings.device), settings.memory_format), environment(", V + "what_differs_in_the_environment_is_named"),
    Fault("the last epoch is kept for the best", RUN, 'checkpoint.save(self.folder / BEST, self.state["best_weights"])', 'checkpoint.save(self.folder / BEST, self.state["network"])', R + "the_best_and_not_the_last_weights_are_tested"),
    Fault("the first saved epoch is called the best", RUN, "best = [epoch for epoch in epochs if epoch.saved][-1]\n    return", "best = [epoch for epoch in epochs if epoch.saved][0]\n    return", R + "the_record_says_everything"),
    Fault("a resumed run forgets the file of the best weights", RUN, "            self._write_epochs(new_best=True)\n", "            self._write_epochs(new_best=False)\n", R + "a_run_killed_around_any_write_ends_as_if_never_killed"),
    Fault("official though a pixel differs", RECORD, "is_official = fingerprints == official.FINGERPRINTS", 'is_official = data.kind in ("python", "binary")', "core/layouts/test_official.py::test_one_other_pixel_or_label_ends_it"),
    Fault("steps of training images, those of validation included", RECORD, "(images - math.floor(recipe.valid_fraction * images))", "images", "report/test_run_figures.py::test_running_losses_stand_at_the_steps_they_are_of"),
    Fault("a mean at its first step", RECORD, "for n, loss in enumerate(epoch.running_loss, start=1)", "for n, loss in enumerate(epoch.running_loss)", "report/test_run_figures.py::test_running_losses_stand_at_the_steps_they_are_of"),
    # report: the numbers that are shown
    Fault("published losses one epoch off", TABLES, "published.get(name, {}).get(epoch.epoch)", "published.get(name, {}).get(epoch.epoch + 1)", "report/test_results.py::test_published_numbers_stand_beside_those_of_their_epoch"),
    Fault("the confusion of the first run alone", TABLES, "np.sum([run.test.confusion for run in study.runs if run.test], axis=0)", "np.asarray(study.runs[0].test.confusion)", "report/test_results.py::test_the_confusion_matrix_is_of_all_runs"),
    Fault("shares of the predicted class", TABLES, "totals = counts.sum(axis=1, keepdims=True)", "totals = counts.sum(axis=0, keepdims=True).T", "report/test_results.py::test_the_confusion_matrix_is_of_all_runs"),
    Fault("published steps at our own", CHARTS, "an_epoch, scale = STEPS if running else 1,", "an_epoch, scale = steps_an_epoch(study.recipe, study.data) if running else 1,", "report/test_results.py::test_published_running_losses_stand_at_their_own_steps"),
    Fault("a mean of other epochs", CHARTS, "return [(at[0][0], float(np.mean([y for _, y in at])))", "return [(at[-1][0] + 1, float(np.mean([y for _, y in at])))", "report/test_comparison.py::test_one_chart_has_a_line_a_result"),
    Fault("the first minus the other one", DIFFERENCES, "points = float(np.mean(y) - np.mean(x))", "points = float(np.mean(x) - np.mean(y))", "report/test_comparison.py::test_differences_by_class_are_those_of_the_records"),
    Fault("images that half of the runs get right", DIFFERENCES, "a, b = (share > 0.5 for share in shares)", "a, b = (share >= 0.5 for share in shares)", "report/test_comparison.py::test_changed_images_are_counted_as_one_by_one"),
    Fault("lost images among the gained", DIFFERENCES, "gained=by_change[(~a & b)[by_change]]", "gained=by_change[(a & ~b)[by_change]]", "report/test_comparison.py::test_changed_images_are_counted_as_one_by_one"),
    Fault("a run beside a study by the mean's interval", DIFFERENCES, "(low,), (high,) = prediction_interval([[value] for value in many])", "low = high = float(np.mean(many))", "report/test_comparison.py::test_a_run_beside_a_study_differs_as_one_more_seed_would"),
    Fault("curves upside down", LINES, "y = Scale(*room(ys, 0.05), floor, top)", "y = Scale(*room(ys, 0.05), top, floor)", "report/test_lines.py::test_lines_are_where_their_numbers_are"),
    Fault("the lowest loss of any run as that of the mean", PARTS, "value = number(float(np.mean(lowest)))", "value = number(min(lowest))", "report/test_results.py::test_the_page_says_what_the_study_says"),
)  # fmt: skip

HARMLESS = (
    Fault("missing names by filter", DIFF, "missing = [name for name in ours if name not in theirs]", "missing = list(filter(lambda name: name not in theirs, ours))", "traces"),
    Fault("the largest by numpy's function", GAP, "absolute = float(np.abs(x.astype(np.float64) - y.astype(np.float64)).max())", "absolute = float(np.max(np.abs(_difference(x, y))))", "traces"),
    Fault("a root of squares in place of hypot", GAP, "distance = math.hypot(*(_norm(_difference(x, y)) for *_, x, y in differing))", "distance = math.sqrt(sum(_norm(_difference(x, y)) ** 2 for *_, x, y in differing))", "traces"),
    Fault("names that are unique, said otherwise", MATRIX, "names.count(path.stem) == 1", "not names.count(path.stem) > 1", "traces"),
    Fault("B first in the first round before they are shuffled", GATE, "[True, False] * (rounds // 2)", "[False, True] * (rounds // 2)", "gate"),
    Fault("the logarithm of the ratios", GATE, "np.log(np.asarray(second)) - np.log(np.asarray(first))", "np.log(np.asarray(second) / np.asarray(first))", "gate"),
    Fault("other resamples", GATE, "rng = np.random.default_rng(0)\n    resampled", "rng = np.random.default_rng(1)\n    resampled", "gate"),
    Fault("the median by numpy", GATE, "seconds_a_step=median(b_seconds) / one_b.steps", "seconds_a_step=float(np.median(b_seconds)) / one_b.steps", "gate"),
    Fault("the deviation by its variance", SUMMARY, "sd = float(x.std(ddof=1))", "sd = float(x.var(ddof=1)) ** 0.5", "studies"),
    Fault("rows in an array in place of stacked", SUMMARY, "return np.stack([", "return np.array([", "studies"),
    Fault("the square by multiplication", SUMMARY, "float((rest**2).sum())", "float((rest * rest).sum())", "studies"),
    Fault("jobs from a deque's end", JOBS, "todo = list(reversed(jobs))", "todo = jobs[::-1]", "studies"),
    Fault("the largest by sorting", AGAINST, "ratio, most, where = max(gaps)", "ratio, most, where = sorted(gaps)[-1]", "verdicts"),
    Fault("all by its negation", POPULATION, "return all(judged) if judged else None", "return False not in judged if judged else None", "verdicts"),
    Fault("a mean by numpy", CLAIMS, "fmean(losses[k :: len(LOSSES)])", "float(np.mean(losses[k :: len(LOSSES)]))", "verdicts"),
    Fault("a cache without a limit", ROUNDING, "@lru_cache\n", "@lru_cache(maxsize=None)\n", "verdicts"),
    Fault("clipped in place of the smaller one", STATISTICS, "np.minimum(1, np.maximum.accumulate(np.arange(len(p), 0, -1) * p[rising]))", "np.clip(np.maximum.accumulate(np.arange(len(p), 0, -1) * p[rising]), None, 1)", "test_statistics.py"),
    Fault("other samples of heavy tails", STATISTICS, "np.random.default_rng(0).standard_t", "np.random.default_rng(1).standard_t", "test_statistics.py"),
    Fault("counts as a list", RECORD, "return sum(counts.values())", "return sum(list(counts.values()))", "runs"),
    Fault("what was found as a truth value", VERIFY, "return (found[0] if found else None), compared", "return next(iter(found), None), compared", "runs"),
    Fault("a mean by hand", CHARTS, "float(np.mean([y for _, y in at]))", "sum(y for _, y in at) / len(at)", "report/test_comparison.py report/test_results.py report/test_charts.py"),
    Fault("confusions summed one by one", TABLES, "np.sum([run.test.confusion for run in study.runs if run.test], axis=0)", "sum(np.asarray(run.test.confusion) for run in study.runs if run.test)", "report/test_results.py report/test_page.py"),
    Fault("changes by sorting a list", DIFFERENCES, 'np.argsort(-np.abs(shares[1] - shares[0]), kind="stable")', "np.array(sorted(range(len(a)), key=lambda i: -abs(shares[1][i] - shares[0][i])), dtype=int)", "report/test_comparison.py"),
)  # fmt: skip
