# ruff: noqa: E501  (a sentence stands on one line, where it is found)
"""The sentences of a report of one outcome of two classes, and where each of their numbers comes from."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from recount import ROLES, Match, Rule, Study, value_of

__all__ = ["RULES", "names_of"]


def names_of(study: Study) -> list[str]:
    """Words of the manifest and of the study that may hold digits: they are quoted, not counted."""
    columns = study.document("columns.json")["columns"]
    out = [*study.titles.values(), *(c["name"] for c in columns)]
    levels = [str(level) for c in columns for level in c.get("levels", [])]
    out += [*levels, *(f'"{level}"' for level in levels)]
    for name, column in (("flow.csv", "reason"), ("notes.csv", "what"), ("dictionary.csv", "name")):
        out += study.table(name).get(column, pd.Series(dtype=str)).astype(str).tolist()
    out += study.patients["patient_id"].astype(str).tolist()
    out += [
        str(reason)
        for one in study.document("combined_model.json").get("sets", [])
        for _, reason in one["model"]["dropped"]
    ]
    out += [" ".join(row) for grid in study.page.grids if grid.title == "Software" for row in grid.rows]
    for backbone in study.document("deep.json").get("backbones", {}).values():
        out += [str(backbone.get("source")), str(backbone.get("sha256"))[:12]]
    return [name for name in out if not re.fullmatch(r"[\d.,]+", name)]


def of(model: str, role: str, metric: str, counts: bool = False) -> Callable[[Study, Match], list[float]]:
    """A measure with its limits, before it n and the positive where asked for; model "" is the headline's."""

    def wanted(study: Study, match: Match) -> list[float]:
        row = study.metric(model or study.headline, role, metric)
        before = [row["n"], row["n_positive"]] if counts else []
        return [*before, row["value"], row["lower"], row["upper"]]

    return wanted


def _out_of_fold(study: Study, match: Match) -> list[float]:
    row = study.metric(study.headline, "out-of-fold", "auc")
    return [row["n"], row["value"], row["lower"], row["upper"]]


def _shuffled(study: Study) -> pd.Series:
    table = study.table("permutations.csv")
    return table[(table["model"] == study.headline) & (table["variant"] == "")].iloc[0]


def _net_benefit(study: Study, match: Match) -> list[float]:
    table = study.table("net_benefit.csv")
    own = table[(table["model"] == study.headline) & (table["variant"] == "")]
    at = value_of(match.numbers[3]) / 100
    for protocol, side in ROLES["test"] + ROLES["out-of-fold"]:
        rows = own[(own["protocol"] == protocol) & (own["side"] == side)]
        if len(rows):
            row = rows.iloc[int((rows["threshold"] - at).abs().argmin())]
            return [row["net_benefit"], row["lower"], row["upper"], 100 * row["threshold"], row["treat_all"]]
    raise AssertionError("no net benefit")


def _few(study: Study, match: Match) -> list[float]:
    row = study.metric(study.headline, "test", "auc")
    return [min(row["n_positive"], row["n"] - row["n_positive"])]


def _parameters(study: Study, match: Match) -> list[float]:
    model = study.primary_set()["model"]
    left = {name for name, _ in model["dropped"]}
    kept = [name for name in (*model["clinical"], *model["signatures"]) if name not in left]
    columns = [c["name"] for c in study.document("columns.json")["columns"]]
    used = len(columns) if "Clinical" in kept else len([name for name in kept if name in columns])
    return [used + 1, _size(study)["riley_maximum_parameters"]]


def _size(study: Study) -> dict[str, float]:
    table = study.table("sample_size.csv")
    return dict(zip(table["quantity"], table["value"], strict=True))


def _primary_pair(study: Study, match: Match) -> list[float]:
    table, pair = study.table("comparisons.csv"), set(study.settings["evaluate"]["primary"])
    rows = table[(table["side"] == "test") & (table["variant_a"] == "") & (table["variant_b"] == "")]
    row = rows[[{a, b} == pair for a, b in zip(rows["model_a"], rows["model_b"], strict=True)]].iloc[0]
    return [row["difference"], row["lower"], row["upper"], row["p"]]


def _below(values: list[float]) -> list[float]:
    """With .001 for a p that is printed as less than that."""
    return [*values[:-1], 0.001 if values[-1] < 0.001 else np.nan]


def _worst_gap(study: Study, match: Match) -> list[float]:
    row = _gap_row(study)
    return [row["paper_train"], row[row["against"]]]


def _gap_row(study: Study) -> pd.Series:
    gaps = study.table("optimism_gap.csv")
    gaps = gaps[(gaps["metric"] == "auc") & (gaps["variant"] == "")]
    return gaps.loc[gaps["gap"].idxmax()]


def _section(study: Study, match: Match) -> list[float]:
    titles = [piece.text for piece in study.page.pieces if piece.kind == "h2"]
    return [value_of(next(t for t in titles if "Published way against" in t).split()[0])]


def _heading(study: Study, match: Match) -> list[float]:
    titles = [piece.text for piece in study.page.pieces if piece.kind == "h2"]
    return [1 + titles.index(match.piece.text)]


def _remarks(study: Study) -> int:
    """How many a reviewer will say: items of the list before the second section."""
    kinds = [piece.kind for piece in study.page.pieces]
    first, second = (
        k for k, kind in enumerate(kinds) if kind == "h2" and study.page.pieces[k].text[:2] in ("1 ", "2 ")
    )
    return kinds[first:second].count("li")


def _listed(study: Study, ending: str) -> int:
    """Items of the list of files that lead to a file of that kind."""
    links = [piece.links[0] for piece in study.page.pieces if piece.kind == "li" and piece.links]
    return sum(link.endswith(ending) for link in links)


def _weight(study: Study, match: Match) -> list[float]:
    table = study.table("rad_score.csv").set_index("feature").loc[match.words[0]]
    sign = -1 if match.piece.text[: match.start].endswith("- ") else 1
    return [sign * table["coefficient"], table["mean"], table["sd"]]


def _score_at_zero(study: Study, match: Match) -> list[float]:
    text = study.files("rad_score.txt")[0].read_text(encoding="utf-8")
    return [value_of(text.split()[2])]


def _spread(study: Study, match: Match) -> list[float]:
    inside, test = (study.metric(match.words[0], role, "sd_probability")["value"] for role in ("out-of-fold", "test"))
    return [test / inside]


def _kept_often(study: Study, match: Match) -> list[float]:
    table = study.table("selection_frequency.csv")
    rows = table[table["model"] == match.words[-1]]
    return [int((rows["kept"] / rows["of"] >= 0.5).sum()), len(rows)]


def _frequency(study: Study, match: Match) -> list[float]:
    table = study.table("selection_frequency.csv")
    model = match.piece.title.rpartition(", ")[2]
    rows = table[table["model"] == model] if (table["model"] == model).any() else table
    return [rows["of"].iloc[0], len(rows), int((rows["kept"] / rows["of"] >= 0.5).sum())]


def _unstable(study: Study, match: Match) -> list[float]:
    table = study.table("selection_frequency.csv")
    rows = table[table["model"] == match.words[0].split()[-1]]
    share = rows["kept"] / rows["of"]
    return [rows["kept"].sum() / rows["of"].iloc[0], share[share >= 0.5].sum(), (share >= 0.5).sum(), len(rows)]


def _unknown(study: Study, match: Match) -> list[float]:
    """How many patients of a role, or of all, have no known outcome."""
    one = study.patients.groupby("patient_id")[["side", study.target]].first()
    sides = [side for side in match.words if side in ROLES]
    own = one[one["side"].isin([side for role in sides for _, side in ROLES[role]])] if sides else one
    return [own[study.target].isna().sum()]


def _best_and_worst(study: Study, match: Match) -> list[float]:
    """Of a model, in the role that the sentence begins with."""
    role = re.findall(r"The outcome of \d+ (\S+) patients?", match.piece.text[: match.start])[-1]
    names = ("auc_worst_case", "auc_best_case")
    return [study.metric(match.words[0], role, name)["value"] for name in names]


def _patient(study: Study, match: Match) -> list[float]:
    """An id of digits alone, where it is a patient's."""
    return [value_of(n) if n in set(study.patients["patient_id"].astype(str)) else np.nan for n in match.numbers]


def _missing_clinical(study: Study, match: Match) -> list[float]:
    title = match.piece.title
    if title.startswith("Table 1: "):
        table = study.table("table1_side.csv")
        rows = table[table["side"] == title.removeprefix("Table 1: ")]
    else:
        table = study.table("table1_outcome.csv")
        rows = table[table["side"] == title.removesuffix(" side").rpartition(", ")[2]]
    return [rows.groupby("variable")[["missing_a", "missing_b"]].first().to_numpy().sum()]


def _outlines(study: Study, match: Match) -> list[float]:
    table = study.table("agreement.csv")
    dice, far = table["dice"].to_numpy(), table["hausdorff95"].to_numpy()
    return [
        np.median(dice), *np.percentile(dice, [25, 75]), np.median(far), *np.percentile(far, [25, 75]), len(table),
    ]  # fmt: skip


def _stable(study: Study) -> tuple[int, int]:
    table = study.table("stability.parquet")
    parts = table["part"].unique()
    whole = table[table["part"] == ("paper" if "paper" in parts else parts[0])]
    kept = whole.groupby("feature")["kept"].min()
    return int(kept.sum()), len(kept)


def _p_values(study: Study, match: Match) -> list[float]:
    trace = study.table("selection.parquet")
    level = study.settings["learn"]["p"]
    rad = trace[(trace["model"] == "Rad") & trace["p"].notna()]
    rows = rad[rad["protocol"] == "paper"] if (rad["protocol"] == "paper").any() else rad
    first = rows.iloc[0]
    rows = rows[(rows["seed"] == first["seed"]) & (rows["fold"] == first["fold"]) & (rows["step"] == first["step"])]
    return [len(rows), level, int((rows["p"] < level).sum()), level * len(rows)]


def _variance(study: Study, match: Match) -> list[float]:
    table = study.table("pca.csv")
    sums = table.groupby(["part", "seed", "fold"])["explained"].agg(["sum", "size"])
    counts = [sums["size"].median(), sums["size"].min(), sums["size"].max()]
    return [*counts[: len(match.numbers) - 2], 100 * sums["sum"].min(), 100 * sums["sum"].max()]


def _others(study: Study, match: Match) -> list[float]:
    table, pair = study.table("comparisons.csv"), set(study.settings["evaluate"]["primary"])
    own = table[(table["variant_a"] == "") & (table["variant_b"] == "") & table["p_holm"].notna()]
    other = own[[{a, b} != pair for a, b in zip(own["model_a"], own["model_b"], strict=True)]]
    counts = other.groupby(["protocol", "side"]).size()
    return [counts.min(), counts.max()][: len(match.numbers)]


def _hosmer(study: Study, match: Match) -> list[float]:
    model, role = match.words
    row = study.metric(model.split()[-1], role.partition(" (")[0], "hosmer_lemeshow_p")
    return [row["value"], *(value_of(n) for n in re.findall(r"\d+", str(row["method"]))[: len(match.numbers) - 1])]


def _corrected(study: Study, match: Match) -> list[float]:
    table = study.table("algorithms.csv")
    rows = table[
        (table["model"] == match.words[0].split()[-1]) & (table["variant"] == "") & table["bbc_corrected"].notna()
    ]
    return [rows["out_of_fold"].iloc[0], rows["bbc_corrected"].iloc[0], rows["n_tried"].iloc[0]]


def _splits(study: Study, match: Match) -> list[float]:
    table = study.table("splits.csv")
    own = table.loc[(table["model"] == match.words[0].split()[-1]) & ~table["own"], "auc"]
    return [own.min(), own.max()]


def _own_split(study: Study, match: Match) -> list[float]:
    table = study.table("splits.csv")
    return table.loc[(table["model"] == match.words[0].split()[-1]) & table["own"], "auc"].tolist()


def _checked(study: Study, match: Match) -> list[float]:
    table = study.table("check.csv")
    return [table["patients"].max(), table["max_difference"].max(), 1e-6]


def _rows(study: Study, match: Match) -> list[float]:
    link = next(link for link in match.piece.links if link.startswith("tables/"))
    return [len(pd.read_csv(study.folder / link, encoding="utf-8-sig"))]


# Methods --------------------------------------------------------------------------------------------------------------


def _comprised(study: Study, match: Match) -> list[float]:
    return [study.patients["patient_id"].nunique(), len(study.patients)]


def _excluded(study: Study, match: Match) -> list[float]:
    flow = study.table("flow.csv")
    return [flow.loc[flow["step"] == "excluded", "patients"].sum()]


def _reason(study: Study, match: Match) -> list[float]:
    flow = study.table("flow.csv")
    rows = flow[(flow["step"] == "excluded") & (flow["reason"] == match.words[0])]
    return [rows["patients"].iloc[0] if len(rows) else np.nan]


def _outcome(study: Study, match: Match) -> list[float]:
    one = study.patients.groupby("patient_id")[study.target].first().dropna()
    return [one.sum(), len(one)]


def _side(study: Study, match: Match) -> list[float]:
    one = study.patients.groupby("patient_id")["side"].first()
    return [(one == match.words[0]).sum()]


def _two_readers(study: Study, match: Match) -> list[float]:
    table = study.table("agreement.csv")
    return [len(table), table["dice"].median(), table["hausdorff95"].median(), table["below"].sum()]


def _kept_at_the_end(study: Study, match: Match) -> list[float]:
    """The features without a rejection in a fit, counted feature by feature."""
    trace = study.table("selection.parquet")
    model = re.findall(r"Features kept at the end by (\S+):", match.piece.text[: match.start])[-1]
    rows = trace[(trace["model"] == model) & (trace["protocol"] == match.words[0])]
    fits = rows.groupby(["seed", "fold", "feature"])["kept"].all().groupby(["seed", "fold"]).sum()
    return [fits.min(), fits.max()][: len(match.numbers)]


def _cases(study: Study, match: Match) -> list[float]:
    table = study.table(f"{match.words[0].split()[-1]}.csv")
    return [table["n"].min(), table["n"].max()][: len(match.numbers)]


def _riley(study: Study, match: Match) -> list[float]:
    size = _size(study)
    keys = ("patients", "events", "riley_maximum_parameters", "candidate_parameters", "riley_minimum_n")
    return [0.15, *(size[key] for key in keys)]


def _screened(study: Study, match: Match) -> list[float]:
    return [max(study.table("families.csv")["count"].sum(), *_joined(study))]


def _joined(study: Study) -> list[float]:
    table = study.table("blocks.csv")
    return [table["count"].sum()] if len(table) else [0]


def setting(*path: str) -> Callable[[Study, Match], list[float]]:
    """One setting of the study, wherever a sentence has one number."""

    def wanted(study: Study, match: Match) -> list[float]:
        value = study.settings
        for key in path:
            value = value[key]
        return [float(value)]  # type: ignore[arg-type]

    return wanted


def settings(*paths: str) -> Callable[[Study, Match], list[float]]:
    """Several: "learn.folds" ..."""
    return lambda study, match: [n for path in paths for n in setting(*path.split("."))(study, match)]


def _lines(table: str) -> Callable[[Study, Match], list[float]]:
    return lambda study, match: [len(study.table(table))]


def _noisy(study: Study, match: Match) -> list[float]:
    table = study.table("dictionary.csv")
    return [(table["noise_on_one_slice"].astype(str) == "True").sum(), len(table)]


def _missing_features(study: Study, match: Match) -> list[float]:
    table = study.table("missing.csv")
    return [len(table), table["case_id"].nunique()]


def _known_before(study: Study, match: Match) -> list[float]:
    variants = study.metrics.loc[study.metrics["model"] == study.headline, "variant"].unique()
    return study.limits(study.headline, "test", "auc", next(v for v in variants if "biopsy" in v))


def _bound(study: Study, match: Match) -> list[float]:
    model = study.primary_set()["model"]
    return [model["riley"], model["bound"]][: len(match.numbers)]


def _tried(study: Study, match: Match) -> list[float]:
    table = study.table("algorithms.csv")
    row = table[(table["model"] == "DL") & table["bbc_corrected"].notna()].iloc[0]
    return [row["n_tried"], row["out_of_fold"] - row["bbc_corrected"], row["out_of_fold"], row["bbc_corrected"]]


def _shown(study: Study, match: Match) -> list[float]:
    table = study.table("decision.csv")["threshold"]
    return [table.min(), table.max()]


def _of_role(study: Study, match: Match) -> list[float]:
    row = study.metric(study.headline, match.words[-1], "auc")
    return [row["value"], row["lower"], row["upper"], row["n"], row["n_positive"]]


FIXED: Sequence[str] = (
    "# % interval", "# % Wald", "# % intervals", "# % Hausdorff", "Intervals are # %", "Table #:", "(# is ideal; below #,", "Treating no one gives #.", "treating no one gives #.",
    "TRIPOD+AI (#)", "UTF-#", "Ratio of standard deviations under #", "on pure noise this way gives #", "clipped to #–#",
    "Slope # and intercept # are ideal; a slope below # means", "Groups hold # patients or more", "it takes # patients of each class",
    "at # by itself", "up to twice #", "Holm under #", "where each class has #", "fewer than # events", "dlr #.#", "sign(x) log(# + |x|)",
    "lies above # by itself", "p is that of # shuffles", "from an AUC of # with p under # after Holm",
    "ICC(#,#)", "stands for # mm", "#-D",
)  # fmt: skip

RULES: Sequence[Rule] = (
    Rule("In # test patients (# positive) its AUC is # (95 % interval #~#)", of("", "test", "auc", counts=True)),
    Rule("Out-of-fold in # training patients it is # (95 % interval #~#)", _out_of_fold),
    Rule("of # shuffled outcomes p #", lambda s, m: [_shuffled(s)["permutations"], _shuffled(s)["p"]]),
    Rule("held against # shuffles", lambda s, m: [s.table("permutations.csv")["permutations"].max()]),
    Rule("Repeated nested cross-validation over # patients (# positive) gives an AUC of # (95 % interval #~#)", of("", "nested", "auc", counts=True)),
    Rule("The calibration slope is # (95 % interval #~#)", of("", "test", "calibration_slope")),
    Rule("# (#~#) at # % (treating everyone #)", _net_benefit),
    Rule("The test side has only # patients of the rarer class", _few),
    Rule("The interval of its AUC is # wide", lambda s, m: [np.diff(s.limits(s.headline, "test", "auc")[1:])[0]]),
    Rule("# parameters; Riley's criterion allows #", _parameters),
    Rule("Difference in test AUC # (#~#), p #", _primary_pair),
    Rule("Calibration cannot be judged with # events", _few),
    Rule("# further remarks", lambda s, m: [_remarks(s) - 3]),
    Rule("# figures and # tables", lambda s, m: [_listed(s, ".pdf"), _listed(s, ".csv")]),
    Rule("# models of", lambda s, m: [s.metrics["model"].nunique()]),
    Rule("their test AUC differs by # (95 % interval #~#), p #", _primary_pair),
    Rule("their test AUC differs by # (95 % interval #~#), p < #", lambda s, m: _below(_primary_pair(s, m))),
    Rule("Difference in test AUC # (#~#), p < #", lambda s, m: _below(_primary_pair(s, m))),
    Rule("Calibration slope on test # (#~#)", of("", "test", "calibration_slope")),
    Rule("the test AUC is # (#~#)", _known_before),
    Rule("# on its own training patients, # out-of-fold", _worst_gap),
    Rule("# on its own training patients, # test", _worst_gap),
    Rule("section # shows both", _section),
    Rule("@ #", _spread, r"(?<=under 0\.8: ).*?(?=\. Means)"),
    Rule("; @ #", _spread, r"(?<=under 0\.8: ).*?(?=\. Means)"),
    Rule("The test side was looked at # times", _lines("looks.csv")),
    Rule("In simulated cohorts of #, # and # patients the 95 % intervals held the truth in # to # %, but for # % for an out-of-fold calibration slope and # % for an out-of-fold Brier score, which take the chains as given; up to # %", lambda s, m: [60, 150, 300, 93, 97, 82, 90, 100]),
    Rule("# of # features come from filters", _noisy),
    Rule("# of # features are rounding noise", _noisy),
    Rule("# feature values are missing, in # cases", _missing_features),
    Rule("Missing values: #.", _missing_clinical),
    Rule("Dice median # (quartiles #–#), 95 % Hausdorff distance median # @ (#–#) over # cases", _outlines),
    Rule("Features under an ICC of # leave", setting("learn", "icc_filter")),
    Rule("features under an ICC of # left", setting("learn", "icc_filter")),
    Rule("here # of # reach it", lambda s, m: list(_stable(s))),
    Rule("(# of # reached it", lambda s, m: list(_stable(s))),
    Rule("p-values of # features on the training side. Below #: #; by chance alone # would be", _p_values),
    Rule("|r| above #", setting("learn", "correlation")),
    Rule("|r| > #", setting("learn", "correlation")),
    Rule("#-fold. In colour", setting("learn", "lasso_folds")),
    Rule("#-fold, λ", setting("learn", "lasso_folds")),
    Rule("Rad-score = #", _score_at_zero),
    Rule("# * (§ - #) / #", _weight),
    Rule("# ", _heading, r"^\d+ [A-Z][^.]*$"),
    Rule("Over # cross-fitted chains # features were kept at least once, # of them", _frequency),
    Rule("# components keep # % to # % of the variance", _variance),
    Rule("# (#–#) components keep # % to # % of the variance", _variance),
    Rule("runs over the # others", _others),
    Rule("runs over the # to # others", _others),
    Rule("Threshold probabilities from # to #", lambda s, m: s.settings["evaluate"]["thresholds"]),
    Rule("the CSV has # to #", _shown),
    Rule("@, §: p = # (# groups, df #)", _hosmer, r"(?<=Lemeshow: ).*"),
    Rule("@ # becomes # (best of #)", _corrected, r"\(BBC-CV\) .*"),
    Rule("these patients carry # parameters; at most # were allowed", _bound),
    Rule("these patients carry # parameters.", _bound),
    Rule("Largest gap: @, #.", lambda s, m: [_gap_row(s)["gap"]]),
    Rule("on # random splits", lambda s, m: [s.table("splits.csv").query("not own")["split"].nunique()]),
    Rule("@ # to #", _splits, r"(?<=of the same patients: ).*?(?=\. A single)"),
    Rule("@ #", _own_split, r"(?<=by that one chain: ).*?(?=; the signature)"),
    Rule(" in # patients (# positive, # unknown)", lambda s, m: [s.patients["patient_id"].nunique(), _outcome(s, m)[0], *_unknown(s, m)]),
    Rule("@: of the # features that a chain keeps # are kept in half of the chains or more (# of # ever kept)", _unstable),
    Rule("The outcome of # @ patient", _unknown),
    Rule(" @ # to #", _best_and_worst, r"(?<=the AUC would be:).*"),
    Rule("One worked patient for @: #", _patient),
    Rule(" in # patients (# positive)", lambda s, m: [s.patients["patient_id"].nunique(), _outcome(s, m)[0]]),
    Rule("# train", lambda s, m: [(s.patients.groupby("patient_id")["side"].first() == "train").sum()], r"(?:positive|unknown)\): .*"),
    Rule("# test", lambda s, m: [(s.patients.groupby("patient_id")["side"].first() == "test").sum()], r"(?:positive|unknown)\): .*"),
    Rule("Checked on # patients: they give the model's probability back to # (allowed: #)", _checked),
    Rule("Checked on # patients: the points give the model's probability back to # (allowed: #)", _checked),
    Rule("The best of # looks # better than it is: # becomes #", _tried),
    Rule("CSV, # rows", _rows),
    Rule("seed #", setting("seed")),
    Rule("The study comprised # patients with # images", _comprised),
    Rule("excluded were # (", _excluded),
    Rule("# for §;", _reason, r"(?<=excluded were ).*?The outcome"),
    Rule("# for §).", _reason, r"(?<=excluded were ).*?The outcome"),
    Rule("was positive in # of # patients with a known value", _outcome),
    Rule("# @,", _side, r"not by image \(.*?; seed"),
    Rule("# @;", _side, r"not by image \(.*?; seed"),
    Rule("Two readers outlined # cases: median Dice #, median 95 % Hausdorff distance # @; # cases fell", _two_readers),
    Rule("# features were computed from each ROI", lambda s, m: [s.table("families.csv")["count"].sum()]),
    Rule("The study started from a table of # features", lambda s, m: [s.table("families.csv")["count"].sum()]),
    Rule("on # image types", lambda s, m: [s.table("families.csv")["image_type"].nunique()]),
    Rule("# values could not be computed", _lines("missing.csv")),
    Rule("missing in more than # % of", lambda s, m: [100 * s.settings["learn"]["max_missing"]]),
    Rule("(p < #)", setting("learn", "p")),
    Rule("grids of at most # points", setting("learn", "max_grid")),
    Rule(" @: # to #", _kept_at_the_end, r"(?<=Features kept at the end by )\S+:.*?\."),
    Rule(" @: #", _kept_at_the_end, r"(?<=Features kept at the end by )\S+:.*?\."),
    Rule("a margin of # pixels", setting("deep", "input", "margin_px")),
    Rule("brought to # pixels", setting("deep", "input", "size")),
    Rule("for at most # epochs", setting("deep", "training", "epochs")),
    Rule("reduced to # principal components", lambda s, m: [s.table("pca.csv")["component"].max()]),
    Rule("radiomics features (# in all)", lambda s, m: _joined(s)),
    Rule("@ # to #", _cases, r"(?<=all of its values \().*?\)"),
    Rule("@ #", _cases, r"(?<=all of its values \().*?\)"),
    Rule("(Nagelkerke R² #) # patients with # events carry # parameters, while the # clinical candidates would need # patients", _riley),
    Rule("covers the # screened features", _screened),
    Rule("multiple imputation (# draws)", setting("learn", "imputations")),
    Rule("#-fold cross-fitting with # seed", settings("learn.folds", "learn.seeds")),
    Rule("the same # × # chains", settings("learn.folds", "learn.seeds")),
    Rule("evaluated # time", _lines("looks.csv")),
    Rule("reached an AUC of # (95 % interval #~#) (@, # patients, # positive)", _of_role),
    Rule("of # draws of patients", setting("evaluate", "bootstrap")),
    *(Rule(words) for words in FIXED),
)  # fmt: skip
