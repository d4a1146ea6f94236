"""Settings of the learning stages: which protocols and algorithms, and how columns are prepared and chosen."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dlr.engine.keys import UNLESS_DEFAULT
from dlr.errors import SettingError
from dlr.words import TargetKind

__all__ = ["ALGORITHMS", "REGRESSORS", "Algorithm", "LearnSettings", "Regressor"]

Algorithm = Literal["logistic", "random_forest", "extra_trees", "xgboost", "lightgbm", "ridge", "svm"]
ALGORITHMS: tuple[Algorithm, ...] = ("logistic", "random_forest", "extra_trees", "xgboost", "lightgbm")  # by default
Regressor = Literal["ridge", "lightgbm"]
REGRESSORS: tuple[Regressor, ...] = ("ridge", "lightgbm")

Share = Annotated[float, Field(gt=0, le=1)]


class LearnSettings(BaseModel):
    """Section `learn` of a study's settings; the defaults are sized for two cores."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folds: Annotated[int, Field(ge=2, le=20, description="K: parts of the training side in cross-fitting")] = 5
    seeds: Annotated[int, Field(ge=1, le=50, description="S: how often the folds are drawn anew")] = 3
    protocols: Annotated[
        list[Literal["paper", "crossfit", "nested", "external_crossfit", "leave_one_cohort_out"]],
        Field(min_length=1, description="which protocols are run side by side"),
    ] = ["paper", "crossfit"]
    algorithms: Annotated[list[Algorithm], Field(min_length=1, description="classifiers to choose among")] = list(
        ALGORITHMS
    )
    reported: Annotated[
        list[Algorithm],
        Field(description="classifiers fitted and reported beside, never chosen", json_schema_extra=UNLESS_DEFAULT),
    ] = []
    regressors: Annotated[
        list[Regressor], Field(min_length=1, description="regressors to choose among, for a target in per cent")
    ] = list(REGRESSORS)
    judge: Annotated[
        Literal["log_loss", "auc"],
        Field(description="what chooses grid points and classifiers; under paper always the AUC, as published"),
    ] = "log_loss"
    recalibrate: Annotated[
        bool, Field(description="each chain's logits are recalibrated on its inner held-out ones; under paper never")
    ] = True
    inner_folds: Annotated[int, Field(ge=2, le=20, description="folds of the grid search, judged by their median")] = 5
    max_grid: Annotated[int, Field(ge=1, le=8, description="at most so many grid points an algorithm")] = 8
    trees: Annotated[int, Field(ge=1, le=5000, description="trees of every forest and boosted model")] = 200

    impute: Annotated[
        Literal["median", "iterative", "multiple"], Field(description="how missing values are filled")
    ] = "median"
    imputations: Annotated[int, Field(ge=2, le=100, description="draws of multiple imputation")] = 20
    missing_indicator: Annotated[
        bool, Field(description="a column of its own says where a clinical value is missing")
    ] = False
    max_missing: Annotated[float, Field(ge=0, lt=1, description="a column missing in a larger share leaves")] = 0.2
    icc_filter: Annotated[float | None, Field(ge=0, le=1, description="features less stable leave; null: none do")] = (
        0.75
    )

    log: Annotated[
        bool, Field(description="features of images enter models as sign(x) log(1 + |x|): most are skewed")
    ] = False
    select: Annotated[
        bool, Field(description="tests, correlation and LASSO choose among features of images; false: all enter")
    ] = True
    t_test: Annotated[
        Literal["welch", "student", "mannwhitney"],
        Field(description="first step; of a per cent Spearman's"),
    ] = "welch"
    p: Annotated[Share, Field(description="a feature with a p of this or above leaves")] = 0.05
    correlation: Annotated[Share, Field(description="of a pair with a larger |r| one feature leaves")] = 0.8
    lasso_rule: Annotated[Literal["min", "1se"], Field(description="lambda at the least error, or one SE simpler")] = (
        "min"
    )
    lasso_folds: Annotated[
        int, Field(ge=3, le=20, description="folds of the LASSO; fewer where a class is smaller")
    ] = 10

    def learners(self, kind: TargetKind) -> tuple[str, ...]:
        """The classifiers to choose among, or the regressors where the target is a per cent."""
        return tuple(self.algorithms if kind is TargetKind.BINARY else self.regressors)

    def fitted(self, kind: TargetKind) -> tuple[str, ...]:
        """The learners, and the classifiers that are only reported beside."""
        return (*self.learners(kind), *(self.reported if kind is TargetKind.BINARY else ()))

    @field_validator("protocols", "algorithms", "reported", "regressors")
    @classmethod
    def _each_once(cls, value: list[str]) -> list[str]:
        if len(set(value)) != len(value):
            raise ValueError("names one entry twice")
        return value

    @model_validator(mode="after")
    def _chosen_or_reported(self) -> LearnSettings:
        both = [name for name in self.reported if name in self.algorithms]
        if both:
            raise SettingError(
                f"{', '.join(both)} of learn.reported is in learn.algorithms too",
                "name it in one of them: what is chosen among is reported anyway",
            )
        return self
