"""Every table that passes between stages, once: its file, its columns with their types, its version.

Whoever writes or reads one goes through it. A column that is missing, extra or of another type is refused by name, so
that a renamed column is found by the stage that writes it and not by the reader of a report.

Text columns hold "" for nothing and are never NaN. Whole numbers are read as float64 where one is undefined.
Beside a folder's tables lies `tables.json`, the version of each; a folder without one was written by release 0.1.0,
whose tables are all of version 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from dlr.csv_files import as_written, write_csv
from dlr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

VERSIONS = "tables.json"
TEXT, NUMBER, WHOLE, TRUTH = pa.string(), pa.float64(), pa.int64(), pa.bool_()


@dataclass(frozen=True)
class Table:
    """One table: what it is called on the disk, and what stands in it."""

    file: str  # .parquet for what a program reads, .csv for what a person may open
    columns: Mapping[str, pa.DataType] = field(hash=False)
    version: int = 1  # rises when a column is added, goes, or means something else
    further: pa.DataType | None = None  # type of any number of columns beside these; pa.null(): of any type
    open: bool = False  # a CSV beside the Parquet, for people

    @property
    def names(self) -> tuple[str, ...]:
        """The fixed columns, in order."""
        return tuple(self.columns)

    @property
    def csv(self) -> str:
        """The name of the CSV."""
        return Path(self.file).with_suffix(".csv").name

    def empty(self) -> pd.DataFrame:
        """No rows, all columns."""
        return pa.table({name: pa.array([], kind) for name, kind in self.columns.items()}).to_pandas()

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame with the table's columns in order and of their types.

        Raises ValueError that names every column that is missing, extra or of another type.
        """
        import pandas as pd

        faults = [f"column {name} is missing" for name in self.columns if name not in frame]
        extra = [str(name) for name in frame.columns if name not in self.columns]
        if self.further is None:
            faults += [f"column {name} is no column of it" for name in extra]
        out = {}
        for name in (*self.columns, *extra):
            kind = self.columns.get(name, self.further)
            if name not in frame or kind is None:
                continue
            try:
                out[name] = frame[name].reset_index(drop=True) if pa.types.is_null(kind) else _typed(frame[name], kind)
            except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, ValueError, TypeError) as error:
                faults.append(f"column {name} is not of type {kind} ({str(error).splitlines()[0]})")
        if faults:
            raise ValueError(f"{self.file}: {'; '.join(faults)}")
        return pd.DataFrame(out)

    def write(self, folder: Path, frame: pd.DataFrame) -> None:
        """Write the table, and its CSV where it has one, into a folder; the same frame gives the same bytes."""
        table = self.conform(frame)
        if self.file.endswith(".parquet"):
            table.to_parquet(folder / self.file, index=False)
        if self.open or self.file.endswith(".csv"):
            write_csv(folder / self.csv, table)
        known = _versions(folder) | {self.file: self.version}
        (folder / VERSIONS).write_text(json.dumps(known, indent=1, sort_keys=True), encoding="utf-8")

    def there(self, folder: Path | None) -> bool:
        """Whether a folder holds the table."""
        return folder is not None and (folder / self.file).is_file()

    def read(self, folder: Path) -> pd.DataFrame:
        """The table of a folder. Raises InputError where it is absent, damaged, or of another release."""
        import pandas as pd

        path = folder / self.file
        written = _versions(folder).get(self.file, 1)
        if written != self.version:
            by = "a newer dlr" if written > self.version else "an older dlr, such as release 0.1.0,"
            raise InputError(
                where=str(path),
                what=f"was written by {by} (version {written} of this table; this release reads {self.version})",
                mend="read the study with the release that made it (its stage.json names it), or run it again",
            )
        try:
            if path.suffix == ".parquet":
                frame: pd.DataFrame = pd.read_parquet(path)
            else:
                frame = pd.read_csv(path, dtype=str, keep_default_na=False).rename(columns=as_written).map(as_written)
            return self.conform(frame)
        except (OSError, ValueError) as error:
            reason = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
            raise InputError(str(path), reason, "run the study again: what is damaged is computed anew") from error


def _typed(column: pd.Series, kind: pa.DataType) -> pd.Series:
    """A column as its type; text of a CSV is read as what it says."""
    import pandas as pd

    column = column.reset_index(drop=True)
    if kind == TEXT:
        return pd.Series(_array(column.astype(object).where(column.notna(), ""), TEXT)).astype(object)
    if pd.api.types.is_string_dtype(column.dtype) and column.map(lambda cell: isinstance(cell, str)).all():
        if kind == TRUTH:
            column = column.map({"True": True, "False": False})
        else:
            column = column.replace("", "nan").astype(float)
    if kind == WHOLE:
        if column.isna().any():
            return _array(column, NUMBER).astype(float)
        return _array(column, WHOLE).astype("int64")
    if kind == TRUTH:
        return _array(column, TRUTH).astype(bool)
    return _array(column, kind).astype(kind.to_pandas_dtype())


def _array(column: pd.Series, kind: pa.DataType) -> pd.Series:
    """Through arrow's own checks: no fraction becomes whole, no number text. A NaN stays one."""
    return pa.Array.from_pandas(column, type=kind).to_pandas()


def _versions(folder: Path) -> dict[str, int]:
    path = folder / VERSIONS
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _text(*names: str) -> dict[str, pa.DataType]:
    return dict.fromkeys(names, TEXT)


def _numbers(*names: str) -> dict[str, pa.DataType]:
    return dict.fromkeys(names, NUMBER)


def _whole(*names: str) -> dict[str, pa.DataType]:
    return dict.fromkeys(names, WHOLE)


_INTERVAL = _numbers("lower", "upper")
_CHAIN = {**_text("target", "model", "protocol"), **_whole("seed", "fold")}  # what tells one fitted chain from another
_SIGNATURE = _text("target", "model", "variant", "protocol", "side")

# who: stage cohort ------------------------------------------------------------------------------------------------

COHORT = Table(  # a row a case; further: targets (float64) and clinical columns
    "cohort.parquet",
    _text("patient_id", "case_id", "image", "mask", "mask_label", "mask_reader1", "mask_reader2", "side", "cohort",
          "excluded"),
    further=pa.null(), open=True,
)  # fmt: skip
FOLDS = Table(
    "folds.parquet", {**_text("protocol", "patient_id"), **_whole("seed", "outer", "fold")}
)  # one fold a patient for all targets
CASES = Table(  # what the files of every case say
    "cases.csv",
    {**_whole("row"), **_text("case_id", "patient_id"), **_whole("width", "height", "slices"),
     **_numbers("spacing_z", "spacing_y", "spacing_x"), "spacing_known": TRUTH, **_whole("roi_voxels"),
     **_numbers("roi_size"), **_text("unit"), **_whole("parts")},
)  # fmt: skip
FLOW = Table("flow.csv", {**_text("step"), **_whole("patients", "cases"), **_text("reason")})
NOTES = Table("notes.csv", _text("where", "what"))
MAPPINGS = Table("mappings.csv", {**_text("source", "header_or_value", "mapped_to"), **_whole("cells")})

# what was measured: radiomics, stability ----------------------------------------------------------------------------

FEATURES = Table("features.parquet", _text("case_id", "patient_id"), further=NUMBER, open=True)
MISSING = Table("missing.csv", _text("case_id", "feature", "reason"))
COPIES = Table(  # rows of the feature table that are copies of another patient's; agree: of how many compared columns
    "copies.csv",
    {**_text("case_id", "patient_id", "side", "copy_of", "copy_patient", "copy_side"), **_whole("agree", "columns")},
)
DICTIONARY = Table(
    "dictionary.csv", {**_text("name", "family", "image_type", "ibsi_code", "unit"), "noise_on_one_slice": TRUTH}
)
FAMILIES = Table("families.csv", {**_text("family", "image_type"), **_whole("count")})
STABILITY = Table(
    "stability.parquet",
    {**_text("part", "feature", "perturbation"), **_whole("seed", "fold"), "icc": NUMBER, **_INTERVAL, **_whole("n"),
     "kept": TRUTH},
)  # fmt: skip
AGREEMENT = Table(
    "agreement.csv", {**_text("case_id", "patient_id"), **_numbers("dice", "hausdorff95"), "unit": TEXT, "below": TRUTH}
)

# what was fitted: clinical, radiomics_model, deep, fusion_model, combine ---------------------------------------------

PREDICTIONS = Table(  # the central contract: a row a fitted chain and patient; means are made by words.signature alone
    "predictions.parquet",
    {**_text("patient_id", "target", "side", "protocol", "model", "variant", "algorithm"), **_whole("seed", "fold"),
     "value": NUMBER, "kind": TEXT},
    open=True,
)  # fmt: skip
CHOICES = Table(  # what was tried in each part, judged inside it; parameters: JSON of the grid point
    "choices.csv",
    {**_text("target", "model", "variant", "protocol", "part"), **_whole("seed", "fold"),
     **_text("algorithm", "criterion"), "value": NUMBER, "chosen": TRUTH, "parameters": TEXT},
    version=2,
)  # fmt: skip
SELECTION = Table(
    "selection.parquet",
    {**_CHAIN, **_text("feature", "step"), **_numbers("statistic", "p"), "kept": TRUTH, "reason": TEXT,
     "coefficient": NUMBER},
)  # fmt: skip
SELECTION_FREQUENCY = Table(
    "selection_frequency.csv",
    {**_text("target", "model", "feature"), **_whole("kept", "of"), **_numbers("frequency", "mean_coefficient")},
    version=2,
)
ALGORITHMS = Table(  # every algorithm out-of-fold by `measure` (auc; mae of a per cent target)
    "algorithms.csv",
    {**_text("target", "model", "variant", "algorithm", "measure"), "out_of_fold": NUMBER, **_INTERVAL,
     "bbc_corrected": NUMBER, **_whole("n_tried")},
    version=2,
)  # fmt: skip
SPLITS = Table(  # own: of the study itself, whose split is -1
    "splits.csv",
    {**_text("target", "model", "algorithm"), "split": WHOLE, "own": TRUTH, "auc": NUMBER, **_INTERVAL,
     **_whole("n_test", "n_positive")},
    version=2,
)  # fmt: skip
ICC_FILTER = Table(
    "icc_filter.csv", {"target": TEXT, **_numbers("icc", "features", "out_of_fold_auc"), **_INTERVAL}
)  # no icc: without the filter
LASSO_PATH = Table("lasso_path.csv", {"log_lambda": NUMBER, "feature": TEXT, "coefficient": NUMBER, "target": TEXT})
LASSO_CV = Table("lasso_cv.csv", {**_numbers("log_lambda", "mean", "sd", "lambda_min", "lambda_1se"), "target": TEXT})
RAD_SCORE = Table("rad_score.csv", {"feature": TEXT, **_numbers("coefficient", "mean", "sd"), "target": TEXT})

_TERM = {**_text("target", "model", "term"), **_numbers("estimate", "se", "odds_ratio"), **_INTERVAL}
_ODDS = {**_TERM, **_numbers("profile_lower", "profile_upper", "p"), "method": TEXT, **_whole("n", "n_positive")}
UNIVARIABLE = Table("univariable.csv", _ODDS)
MULTIVARIABLE = Table("multivariable.csv", _ODDS)
STEPWISE = Table("stepwise.csv", _ODDS)
IMPUTED_ODDS = Table(  # the multivariable model with gaps filled; fraction_missing: of the variance, NaN of one copy
    "imputed_odds.csv", {**_ODDS, "fraction_missing": NUMBER, "copies": WHOLE}
)
VIF = Table("vif.csv", {"term": TEXT, "gvif": NUMBER, "df": WHOLE, "gvif_scaled": NUMBER, "target": TEXT})
SAMPLE_SIZE = Table("sample_size.csv", {"quantity": TEXT, "value": NUMBER, "explanation": TEXT, "target": TEXT})
_COMPARED = {
    **_text("variable", "level", "group_a", "group_b", "value_a", "value_b"), **_whole("missing_a", "missing_b"),
    "test": TEXT, **_numbers("statistic", "p", "smd"), "side": TEXT,
}  # fmt: skip
TABLE1_SIDE = Table("table1_side.csv", _COMPARED)
TABLE1_OUTCOME = Table("table1_outcome.csv", {**_COMPARED, "target": TEXT})

EMBEDDINGS = Table(  # a row a case; further: e0000 ...
    "embeddings.parquet",
    {**_text("case_id", "patient_id", "target", "protocol", "part", "backbone"), **_whole("seed", "fold"),
     "role": TEXT},
    further=pa.float32(),
)  # fmt: skip
CURVES = Table(
    "curves.csv",
    {**_text("target", "protocol", "model"), **_whole("seed", "fold", "epoch"), **_text("part", "measure"),
     "value": NUMBER},
)  # fmt: skip
VOLUMES = Table(  # a row a case that could be cut; file: its folder beside the table, with grey.npy and mask.npy
    "volumes.csv",
    {**_text("case_id", "patient_id", "file"), "outlined": TRUTH, **_whole("slices", "rows", "columns"),
     **_numbers("spacing_z", "spacing_y", "spacing_x", "low", "high", "lesion_share", "diameter_mm")},
)  # fmt: skip
SEGMENTATION = Table(  # the map of a chain against the outline of a patient that it did not see, on what it was fed
    "segmentation.csv",
    {**_text("case_id", "patient_id", "target", "side", "protocol", "model", "variant"), **_whole("seed", "fold"),
     **_numbers("dice", "hausdorff95"), "unit": TEXT},
)  # fmt: skip
TSNE = Table(  # t-SNE of a chain's features; role: train, stopped on (they chose its epoch), held-out
    "tsne.csv",
    {**_text("case_id", "patient_id", "target", "model", "protocol", "part", "role"), **_numbers("x", "y", "z")},
)  # fmt: skip
OUTLINES = Table("outlines.csv", _text("case_id"))  # the rows of outlines.npy
_PART = {**_text("target", "protocol", "part"), **_whole("seed", "fold")}
COMPONENTS = Table("components.parquet", {**_text("row", "patient_id"), **_PART}, further=NUMBER)
PCA = Table("pca.csv", {"component": WHOLE, "explained": NUMBER, **_PART})
BLOCKS = Table("blocks.csv", {"block": TEXT, "count": NUMBER})  # columns that each block brings to the fusion
SHARES = Table("shares.csv", {**_text("target", "step", "block"), "count": NUMBER}, version=2)
ATTENTION = Table(
    "attention.csv",
    {**_text("case_id", "target", "model", "variant"), **_whole("seed", "fold"), "layer": TEXT, "scale": WHOLE,
     **_text("region", "measure"), **_numbers("value", "null_value")},
)  # fmt: skip
ATTENTION_COMPARED = Table(  # two models on the same patients: paired, a less b
    "attention_compared.csv",
    {**_text("target", "region", "measure", "model_a", "model_b"), "n": WHOLE,
     **_numbers("median_a", "median_b", "median_difference", "statistic", "p"), "method": TEXT},
)  # fmt: skip
REGION_WEIGHTS = Table(  # what every chain of Spatial has learnt; sum 1 over the regions of a target
    "region_weights.csv", {**_CHAIN, **_text("variant", "region"), "weight": NUMBER}
)
ATTENTION_SHARES = Table(  # share of a chain's spatial attention that lies in a region, beside the region's own share
    "attention_shares.csv",  # of the volume; scale: layer2 ...; region: core, rim, peritumoral, elsewhere
    {**_text("case_id", "patient_id"), **_CHAIN, **_text("scale", "region"), **_numbers("share", "volume_share")},
)
_EXAMPLE = {**_text("case_id", "patient_id", "outcome"), "probability": NUMBER, "fold": WHOLE, "file": TEXT}
EXAMPLES = Table("examples.csv", {**_text("target"), **_EXAMPLE})
EXAMPLES_IN_PLANES = Table("examples_in_planes.csv", {**_text("target", "model"), **_EXAMPLE})  # of volumes
REGION_EXAMPLES = Table(  # file: three planes of grey, outline, regions and the attention of every scale (.npz)
    "region_examples.csv", {**_text("target", "model"), **_EXAMPLE}
)

COMBINED_INPUTS = Table(  # a row a patient; further: clinical columns and signatures as the model takes them
    "inputs.parquet", _text("patient_id", "target", "protocol", "variant"), further=pa.null()
)
COMBINED_TERMS = Table(
    "combined_terms.csv", {**_TERM, "p": NUMBER, "method": TEXT, **_text("protocol", "variant", "set")}
)
OPTIMISM = Table(
    "optimism.csv",
    {"measure": TEXT, **_numbers("apparent", "optimism", "corrected"), "replicates": WHOLE,
     **_text("target", "variant")},
)  # fmt: skip
POINTS = Table("points.csv", {**_text("target", "set", "variable", "value"), "points": NUMBER}, version=2)
CHECK = Table("check.csv", {**_text("target", "set"), "patients": WHOLE, "max_difference": NUMBER}, version=2)

# images enhanced before anything is measured: superres, superres_effect ----------------------------------------------

ENHANCED = Table(  # a row a case; file: its array beside the table; role: fitted, checked, other (neither)
    "enhanced.csv",
    {**_text("case_id", "patient_id", "file", "dtype"), **_whole("rows", "columns", "scale"), **_text("role")},
)  # fmt: skip
CHECKED = Table(  # simulated pairs of check patients, and fields of pure speckle (patient_id ""); subject: restored,
    "checked.parquet",  # bicubic, psnr (before the adversary), or a control planted into one of them
    {**_text("case_id", "patient_id", "subject", "region", "measure"), "value": NUMBER},
    open=True,
)
FIDELITY = Table(  # means over check patients; difference to bicubic paired by patient
    "fidelity.csv",
    {**_text("subject", "region", "measure"), **_numbers("value", "bicubic", "difference"), **_INTERVAL, "n": WHOLE},
)
CHECKS = Table(  # found: the check finds something; of a planted control that is as it should be
    "hallucination.csv",
    {**_text("check", "name", "subject", "statistic"), **_numbers("value"), **_INTERVAL,
     **_numbers("bicubic", "limit"), "n": WHOLE, "found": TRUTH, "severity": TEXT},
)  # fmt: skip
SUPERRES_CURVES = Table("superres_curves.csv", {**_text("phase", "measure"), "epoch": WHOLE, "value": NUMBER})
SUPERRES_EXAMPLES = Table(  # check patients; file: a folder with input, bicubic, restored, truth, mask (.npy)
    "superres_examples.csv", {**_text("case_id", "patient_id", "rank"), "gain": NUMBER, "file": TEXT}
)
SURVIVAL = Table(  # ICC(2,1) of every feature between a check patient's truth and what is made of its simulated input
    "survival.csv", {"feature": TEXT, **_numbers("icc", "icc_bicubic"), "n": WHOLE}
)

# how well: stage evaluate -------------------------------------------------------------------------------------------

METRICS = Table(
    "metrics.csv",
    {**_text("target", "model", "variant", "algorithm", "protocol", "side", "role", "subset", "metric"),
     "value": NUMBER, **_INTERVAL, **_whole("n", "n_positive"), "cutoff": NUMBER, "method": TEXT},
    version=2,
)  # fmt: skip
COMPARISONS = Table(
    "comparisons.csv",
    {**_text("target", "protocol", "side", "subset", "metric", "model_a", "variant_a", "model_b", "variant_b"),
     "difference": NUMBER, **_INTERVAL, **_numbers("p", "p_holm"), "method": TEXT},
    version=2,
)  # fmt: skip
CUTOFFS = Table(
    "cutoffs.csv", {**_text("target", "model", "variant", "protocol"), "cutoff": NUMBER, "rule": TEXT, "n": WHOLE}
)
ROC = Table("roc.csv", {**_SIGNATURE, "role": TEXT, **_numbers("false_positive_rate", "sensitivity", "cutoff")})
PR = Table("pr.csv", {**_SIGNATURE, "role": TEXT, **_numbers("recall", "precision", "cutoff")})
CALIBRATION = Table(
    "calibration.csv",
    {**_SIGNATURE, "role": TEXT, **_numbers("predicted", "observed"), **_INTERVAL, "n": WHOLE, "kind": TEXT},
    version=2,
)
DECISION = Table(  # lower, upper: NaN without evaluate.decision_band
    "decision.csv",
    {**_SIGNATURE, "role": TEXT,
     **_numbers("threshold", "net_benefit", "treat_all", "treat_none", "interventions_avoided"), **_INTERVAL},
    version=3,
)  # fmt: skip
HISTOGRAM = Table(
    "histogram.csv",
    {**_SIGNATURE, **_text("role", "patient_id"), "probability": NUMBER, "positive": WHOLE, "cutoff": NUMBER},
)
PER_CENT = Table(  # every patient's predicted and true per cent
    "per_cent.csv", {**_SIGNATURE, **_text("role", "patient_id"), **_numbers("predicted", "observed")}
)
NET_BENEFIT = Table(  # at the pre-set thresholds, with the paired differences to treating all and to Clinical
    "net_benefit.csv",
    {**_SIGNATURE, "role": TEXT, "threshold": NUMBER, "net_benefit": NUMBER, **_INTERVAL, "treat_all": NUMBER,
     **_numbers("less_treat_all", "less_treat_all_lower", "less_treat_all_upper", "less_clinical",
                "less_clinical_lower", "less_clinical_upper"), **_whole("n", "n_positive")},
)  # fmt: skip
PERMUTATIONS = Table(  # the whole chain on shuffled outcomes; p = (1 + shuffles as high) / (1 + shuffles)
    "permutations.csv",
    {**_text("target", "model", "variant", "protocol", "algorithm"), "observed": NUMBER,
     **_numbers("null_mean", "null_sd"), "permutations": WHOLE, "p": NUMBER, "method": TEXT},
)  # fmt: skip
CONFOUNDERS = Table(  # what a column of the acquisition, no predictor, tells of the outcome by itself
    "confounders.csv",  # shares: positives of each level; null: mean AUC of shuffled outcomes; found: it does tell
    {**_text("target", "column", "source"), **_whole("levels", "n", "n_positive"), "shares": TEXT, "auc": NUMBER,
     **_INTERVAL, **_numbers("null", "p", "p_holm"), "found": TRUTH, "method": TEXT},
)  # fmt: skip
OPTIMISM_GAP = Table(  # role: of crossfit_out_of_fold; gap: paper_train less the column that `against` names
    "optimism_gap.csv",
    {**_text("target", "model", "variant", "metric"), **_numbers("paper_train", "paper_test", "crossfit_out_of_fold"),
     "role": TEXT, **_numbers("nested", "crossfit_test", "gap"), "against": TEXT},
    version=2,
)  # fmt: skip
ABLATION = Table(  # the whole model and what stands beside it; target "macro": the mean of the binary ones
    "ablation.csv",  # row: full, a name of receptors.ablation, radiomics_logistic, radiomics_svm, frozen
    {**_text("row", "target", "protocol", "side", "metric"), "value": NUMBER, **_INTERVAL,
     **_numbers("difference", "difference_lower", "difference_upper", "p"), "n": WHOLE,
     **_text("method", "difference_method")},
)  # fmt: skip
SUBTYPES = Table(  # a row a patient and signature; true is "" where a marker is unknown, rule that of SubtypeSettings
    "subtypes.csv", {**_text("patient_id", "model", "variant", "protocol", "side", "role", "true", "called", "rule")}
)
SUBTYPE_METRICS = Table(  # subtype: of sensitivity and ppv; "all" of accuracy and no_information_rate
    "subtype_metrics.csv",
    {**_text("model", "variant", "protocol", "side", "role", "rule", "metric", "subtype"), "value": NUMBER, **_INTERVAL,
     "n": WHOLE, "method": TEXT},
)  # fmt: skip
RECLASSIFICATION = Table(
    "nri_idi.csv",
    {**_SIGNATURE, **_text("model_old", "measure"), "value": NUMBER, **_INTERVAL, "p": NUMBER, "caution": TEXT},
)
LOOKS = Table("looks.csv", {**_text("time", "key"), "patients": WHOLE})

# of new patients alone: what `dlr predict` writes --------------------------------------------------------------------

OUTSIDE = Table("outside.csv", {**_text("patient_id", "target", "model", "variant", "column"), "value": NUMBER})
PATIENT_POINTS = Table(
    "patient_points.csv",
    {**_text("patient_id", "target", "set", "variable", "value"), "points": NUMBER, "beyond_axis": TRUTH,
     **_numbers("total", "risk")},
)  # fmt: skip
