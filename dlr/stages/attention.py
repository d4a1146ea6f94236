"""Stage attention: where the networks looked, in numbers beside two nulls, and maps of right and wrong cases."""

from __future__ import annotations

import json
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlr.attention import AttentionNumbers, attention_in_numbers, null_of_other_masks
from dlr.cohort import CohortSettings
from dlr.engine import Run, Task, TaskFailure, stage
from dlr.randomness import rng
from dlr.stages.deep_chains import DeepChain, read_chain
from dlr.stages.parts import study_parts
from dlr.stages.pictures import read_outlines, rows_for_networks, unpacked
from dlr.stages.tables import CohortTables, read_cohort
from dlr.stats import youden
from dlr.words import CHOSEN, Model, Protocol, Side, signature

__all__ = ["attention"]

OUTCOMES = {  # (positive, called positive)
    (True, True): "true positive",
    (False, True): "false positive",
    (False, False): "true negative",
    (True, False): "false negative",
}
OTHER_MASKS, RANDOM_WEIGHTS = "outlines of other cases", "random weights"


@stage(
    "attention",
    version=1,
    needs=["cohort", "deep"],
    sections=["attention", "deep", "cohort", "learn.protocols"],
    libraries=["numpy", "torch", "torchvision", "timm"],
)
def attention(run: Run) -> None:
    """Class activation maps: energy inside the outline, pointing, overlap, each beside two nulls."""
    tables = read_cohort(run.needs.cohort)
    rows = {row["patient_id"]: row for row in rows_for_networks(tables, run.settings.cohort.per_patient)}
    predictions = pd.read_parquet(run.needs.deep / "predictions.parquet")
    predictions = predictions[predictions["algorithm"] == CHOSEN]
    outlines = read_outlines(run.needs.deep)
    measured, examples = [], []
    for target in tables.targets:
        looks = whom_to_look_at(run, tables, predictions, target, list(rows))
        tasks = [_task(run, target, rows[look["patient_id"]], look, outlines) for look in looks]
        for task, look, result in zip(tasks, looks, run.each(look_where, tasks, label="maps"), strict=True):
            if isinstance(result, TaskFailure):
                run.warn(f"{task.name}: {result.problem.what}")
                continue
            found = json.loads((result / "attention.json").read_text(encoding="utf-8"))
            measured += [_row(target, look, task, found, line) for line in found["measures"]]
            if look["example"]:
                examples.append(_example(run, target, look, task, result))
    if not measured:
        run.leave_out("no map could be made")
    pd.DataFrame(measured).to_csv(run.folder / "attention.csv", index=False)
    if examples:
        pd.DataFrame(examples).to_csv(run.folder / "examples.csv", index=False)


def whom_to_look_at(
    run: Run, tables: CohortTables, predictions: pd.DataFrame, target: str, patients: list[str]
) -> list[dict[str, Any]]:
    """Patients drawn at random, each with a chain that did not see it, and examples of the four outcomes.

    A training patient's chain is its held-out one of the first drawing; everybody else's is that drawing's first.
    """
    labels = tables.labels(target)
    own = predictions[(predictions["target"] == target) & (predictions["protocol"] == Protocol.CROSSFIT)]
    if own.empty:
        run.leave_out("maps are of cross-fitted chains, and learn.protocols does not name crossfit")
    parts = {p.fold: p for p in study_parts(tables.folds, [Protocol.CROSSFIT.value], tables.sides) if p.seed == 0}
    held_out = own[(own["seed"] == 0) & (own["side"] == Side.TRAIN)].set_index("patient_id")["fold"]
    known = sorted(p for p in patients if p in labels.index and p in set(own["patient_id"]))
    order = rng(run.seed, "attention", "patients", target).permutation(len(known))
    drawn = [known[k] for k in order[: run.settings.attention.cases]]
    means = signature(own).set_index("patient_id")["probability"]
    training = [p for p in known if p in held_out.index]
    cut = youden(labels.loc[training].to_numpy() == 1, means.loc[training].to_numpy()).value
    wanted = dict.fromkeys(OUTCOMES.values(), run.settings.attention.examples)
    looks = []
    for patient in drawn:
        outcome = OUTCOMES[bool(labels[patient]), bool(means[patient] >= cut)]
        wanted[outcome] -= 1
        fold = int(held_out.get(patient, min(parts)))
        looks.append(
            {
                "patient_id": patient,
                "part": parts[fold].name,
                "fold": fold,
                "outcome": outcome,
                "probability": float(means[patient]),
                "example": wanted[outcome] >= 0,
            }
        )
    return sorted(looks, key=lambda look: look["patient_id"])


def _task(run: Run, target: str, row: dict[str, Any], look: dict[str, Any], outlines: dict[str, np.ndarray]) -> Task:
    settings = run.settings.attention
    cohort: CohortSettings = run.settings.cohort
    chain = read_chain(run.needs.deep, target, look["part"])
    cases = sorted(outlines)
    places = rng(run.seed, "attention", "other outlines", target, row["case_id"]).permutation(len(cases))
    others = [cases[k] for k in places if cases[k] != row["case_id"]][: settings.other_masks]
    files = {
        path.name: run.digest(path) for path in sorted((chain.folder / chain.backbone).rglob("*")) if path.is_file()
    }
    key = {
        "chain": files,
        "backbone": chain.backbone,
        "mode": chain.mode,
        "image": run.digest(row["image"]),
        "mask": run.digest(row["mask"]),
        "others": [sha256(outlines[other].tobytes()).hexdigest() for other in others],
        "method": settings.method,
        "input": run.settings.deep.input.model_dump(),
        "reading": cohort.model_dump(mode="json", exclude={"clinical_table"}),
        "seed": run.seed,
    }
    payload = {
        "chain": chain, "row": row, "others": [outlines[other] for other in others], "cohort": cohort,
        "deep": run.settings.deep,
        "method": settings.method, "seed": run.seed,
    }  # fmt: skip
    return Task(f"map-{target}-{row['case_id']}", key, payload, may_fail=True)


def look_where(task: Task, folder: Path) -> None:
    """One case's map by its chain and by the same network of random weights; leave attention.json and map.npz."""
    import torch

    from dlr.attention import GradCAM, GradCAMPlusPlus
    from dlr.cohort import read_case
    from dlr.deep import cut_picture

    given = task.payload
    case = read_case(given["row"], given["cohort"])
    picture = cut_picture(case.image.array, case.mask, given["deep"].input)
    inputs = torch.from_numpy(picture.grey)[None, None]
    network = _network(given["chain"])
    chance = _chance(network.name, given["seed"])
    maker = GradCAMPlusPlus if given["method"] == "gradcam++" else GradCAM
    heat, noise = (maker(net, net.attention_layer)(inputs, 0)[0].double().numpy() for net in (network, chance))
    own, random = attention_in_numbers(heat, picture.mask), attention_in_numbers(noise, picture.mask)
    size = picture.mask.shape
    others = null_of_other_masks(heat, [unpacked(outline, size) for outline in given["others"]])
    measures = [
        {"measure": name, "value": own.values()[name], "null": null, "null_value": by.values()[name]}
        for null, by in ((OTHER_MASKS, others), (RANDOM_WEIGHTS, random))
        for name in AttentionNumbers.names()
    ]
    about = {"layer": network.attention_layer, "measures": measures}
    (folder / "attention.json").write_text(json.dumps(about), encoding="utf-8")
    np.savez_compressed(
        folder / "map.npz",
        grey=picture.grey.astype(np.float16),
        mask=picture.mask,
        heat=(heat / heat.max() if heat.max() > 0 else heat).astype(np.float16),
    )


@lru_cache(maxsize=2)
def _network(chain: DeepChain) -> Any:
    """A chain's network, read once a process."""
    return chain.network()


@lru_cache(maxsize=2)
def _chance(name: str, seed: int) -> Any:
    """The same architecture of random weights, head included."""
    import torch

    from dlr.deep import Network, make_backbone

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Network(name, make_backbone(name, seed)).eval()


def _row(target: str, look: dict[str, Any], task: Task, found: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
    """A row of attention.csv; `variant` names the null."""
    return {
        "case_id": task.payload["row"]["case_id"],
        "target": target,
        "model": Model.DL.value,
        "variant": line["null"],
        "seed": 0,
        "fold": look["fold"],
        "layer": found["layer"],
        "scale": 0,
        "region": "ROI",
        "measure": line["measure"],
        "value": line["value"],
        "null_value": line["null_value"],
    }


def _example(run: Run, target: str, look: dict[str, Any], task: Task, result: Path) -> dict[str, Any]:
    """A row of examples.csv, and the case's picture, outline and map beside it."""
    name = f"map_{target}_{look['outcome'].replace(' ', '_')}_{look['fold']}_{result.name[:8]}.npz"
    (run.folder / name).write_bytes((result / "map.npz").read_bytes())
    case = task.payload["row"]["case_id"]
    kept = {key: look[key] for key in ("patient_id", "outcome", "probability", "fold")}
    return {"target": target, "case_id": case, **kept, "file": name}
