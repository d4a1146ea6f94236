"""Names and values that are understood without being told: headers, clinical columns, words for yes and no."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import inf

from dlr.words import Available, Target

__all__ = [
    "BODY_SIDES",
    "DERIVED",
    "IDENTITY",
    "KNOWN",
    "MISSING",
    "NEVER_PREDICTORS",
    "NOT_EXCLUDED",
    "RESERVED",
    "SIDES",
    "Known",
    "banned_as",
    "fold_header",
    "fold_id",
    "fold_value",
    "known_header",
    "never_predict",
    "relatives",
    "words_of",
]


@dataclass(frozen=True)
class Known:
    """What is known of a clinical column by its name."""

    kind: str
    available: Available
    unit: str = ""
    label: str = ""
    levels: tuple[str, ...] = ()
    bounds: tuple[float, float] = (-inf, inf)  # of a number in this unit: nobody has another one


# the clinical columns of the published study, with the time at which each is known
KNOWN: dict[str, Known] = {
    "age": Known("numeric", Available.IMAGING, "years", "Age", bounds=(0, 130)),
    "menopause": Known("binary", Available.IMAGING, "", "Menopause"),
    "family_history": Known("binary", Available.IMAGING, "", "Family history"),
    "calcification": Known("binary", Available.IMAGING, "", "Calcification"),
    "birads": Known("ordered", Available.IMAGING, "", "BI-RADS", ("1", "2", "3", "4a", "4b", "4c", "5", "6")),
    "diameter_mm": Known("numeric", Available.IMAGING, "mm", "Diameter", bounds=(0, 1000)),
    "cea": Known("numeric", Available.BLOOD, "ng/mL", "CEA", bounds=(0, 1e7)),
    "ca125": Known("numeric", Available.BLOOD, "U/mL", "CA125", bounds=(0, 1e7)),
    "ca199": Known("numeric", Available.BLOOD, "U/mL", "CA19-9", bounds=(0, 1e7)),
    "ca153": Known("numeric", Available.BLOOD, "U/mL", "CA15-3", bounds=(0, 1e7)),
    "ki67": Known("numeric", Available.BIOPSY, "%", "Ki-67", bounds=(0, 100)),
    "er": Known("binary", Available.BIOPSY, "", "ER"),
    "pr": Known("binary", Available.BIOPSY, "", "PR"),
    "hr": Known("binary", Available.BIOPSY, "", "HR"),
    "her2": Known("binary", Available.BIOPSY, "", "HER2"),
    "her2_ihc": Known("ordered", Available.BIOPSY, "", "HER2 (IHC)", ("0", "1+", "2+", "3+")),
    "her2_fish": Known("binary", Available.BIOPSY, "", "HER2 (FISH)"),
    "lymph_metastasis": Known("binary", Available.SURGERY, "", "Lymph node metastasis"),
}

# columns with a meaning of their own; none of them is ever a predictor
RESERVED = (
    "patient_id", "case_id", "image", "mask", "mask_label", "mask_reader1", "mask_reader2",
    "side", "cohort", "scanner", "year", "exclude_reason", "pixel_spacing_mm", "pixel_spacing_cm",
    "side_of_breast", "view", "lesion_id",
)  # fmt: skip
NEVER_PREDICTORS = frozenset(RESERVED) | {"excluded"}

# target -> columns that are derived from it, or it from them
DERIVED: dict[str, tuple[str, ...]] = {
    "her2": ("her2_ihc", "her2_fish", "subtype"),
    "er": ("hr", "subtype"),
    "pr": ("hr", "subtype"),
    "hr": ("er", "pr", "subtype"),
    "ki67": ("subtype",),
    "malignant": ("benign", "histology"),
}

_HEADERS: dict[str, tuple[str, ...]] = {
    "patient_id": ("patientid", "patient", "pid", "id", "患者编号", "患者id", "病人编号", "病人id", "病历号", "住院号",
                   "编号", "受试者编号"),
    "case_id": ("caseid", "imageid", "病例编号", "图像编号", "影像编号"),
    "image": ("imagepath", "imagefile", "img", "图像", "影像", "图像路径", "影像路径", "图片"),
    "mask": ("maskpath", "maskfile", "roi", "segmentation", "掩膜", "掩码", "勾画", "分割", "掩膜路径"),
    "mask_label": ("masklabel", "掩膜标签"),
    "mask_reader1": ("maskreader1", "mask1", "reader1"),
    "mask_reader2": ("maskreader2", "mask2", "reader2"),
    "side": ("split", "partition", "数据集划分"),
    "cohort": ("centre", "center", "hospital", "中心", "医院", "队列"),
    "scanner": ("scannermodel", "device", "设备", "机型"),
    "year": ("examyear", "studyyear", "examdate", "studydate", "检查年份", "检查日期"),
    "exclude_reason": ("excludereason", "exclusion", "exclusionreason", "排除原因"),
    "pixel_spacing_mm": ("pixelspacingmm", "pixelspacing", "像素间距"),
    "pixel_spacing_cm": ("pixelspacingcm",),
    "side_of_breast": ("sideofbreast", "laterality", "breastside", "侧别", "左右侧"),
    "view": ("切面", "viewposition"),
    "lesion_id": ("lesionid", "lesion", "病灶编号"),
    "age": ("年龄", "ageyears", "患者年龄"),
    "menopause": ("绝经", "绝经状态", "是否绝经", "menopausalstatus", "menopausestatus"),
    "family_history": ("家族史", "familyhistory", "乳腺癌家族史"),
    "calcification": ("钙化", "calcifications", "微钙化"),
    "birads": ("birads分类", "birads分级", "biradscategory"),
    "diameter_mm": ("diametermm", "最大径mm", "肿瘤最大径mm"),
    "cea": ("癌胚抗原",),
    "ca125": ("糖类抗原125",),
    "ca199": ("糖类抗原199",),
    "ca153": ("糖类抗原153",),
    "ki67": ("ki67指数", "ki67index", "增殖指数"),
    "er": ("雌激素受体", "erstatus"),
    "pr": ("孕激素受体", "prstatus"),
    "hr": ("激素受体", "hrstatus"),
    "her2": ("her2status", "her2状态", "cerbb2", "人表皮生长因子受体2"),
    "her2_ihc": ("her2ihc", "her2免疫组化", "免疫组化her2"),
    "her2_fish": ("her2fish", "fish", "fish结果"),
    "lymph_metastasis": ("淋巴结转移", "lymphmetastasis", "lymphnodemetastasis", "腋窝淋巴结转移", "lnm"),
    "malignant": ("良恶性", "恶性"),
}  # fmt: skip

# columns that name a person: never read
IDENTITY = frozenset({
    "name", "patientname", "姓名", "患者姓名", "病人姓名", "birthdate", "dateofbirth", "dob", "出生日期", "出生年月",
    "身份证", "身份证号", "idcard", "ssn", "phone", "telephone", "电话", "手机", "手机号", "联系电话", "address",
    "地址", "住址", "email",
})  # fmt: skip

MISSING = frozenset({
    "", "na", "n/a", "#n/a", "nan", "null", "unknown", "missing", "not known", "not available", "not applicable",
    "?", "/", "\\",
    "未知", "不详", "缺失", "未测", "未查", "未做", "not done", "nd",
})  # fmt: skip

_YES = ("1", "yes", "y", "true", "t", "positive", "pos", "+", "(+)", "present", "阳性", "阳", "是", "有")
_NO = ("0", "no", "n", "false", "f", "negative", "neg", "-", "(-)", "absent", "阴性", "阴", "否", "无")

# a column's own words: (for 0, for 1); receptors read any staining as positive
_WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "er": ((), ("++", "+++", "1+", "2+", "3+")),
    "pr": ((), ("++", "+++", "1+", "2+", "3+")),
    "menopause": (
        ("pre", "premenopausal", "premenopause", "未绝经", "绝经前"),
        ("post", "postmenopausal", "postmenopause", "绝经", "已绝经", "绝经后"),
    ),
    "lymph_metastasis": (("n0", "pn0", "cn0", "无转移"), ("n1", "n2", "n3", "pn1", "pn2", "pn3", "转移", "有转移")),
    "family_history": (("无家族史",), ("有家族史",)),
    "calcification": (("无钙化",), ("有钙化", "钙化")),
    "malignant": (("benign", "良性", "良"), ("malignant", "恶性", "恶")),
}
_FISH = (
    ("0", "-", "(-)", "negative", "neg", "not amplified", "non-amplified", "nonamplified", "no", "false", "阴性",
     "未扩增", "无扩增"),
    ("1", "+", "(+)", "positive", "pos", "amplified", "yes", "true", "阳性", "扩增", "有扩增"),
)  # fmt: skip

SIDES: dict[str, str] = {
    "train": "train", "training": "train", "训练": "train", "训练集": "train",
    "validation": "validation", "valid": "validation", "val": "validation",
    "验证": "validation", "验证集": "validation",
    "test": "test", "testing": "test", "测试": "test", "测试集": "test",
    "external": "external", "外部": "external", "外部验证": "external", "外部验证集": "external",
}  # fmt: skip


# cells of a column `side` that speak of the body, and cells of `exclude_reason` that give none
BODY_SIDES = frozenset({"left", "right", "l", "r", "both", "左", "右", "左侧", "右侧", "双侧", "左乳", "右乳"})
NOT_EXCLUDED = frozenset({"0", "no", "n", "false", "none", "-", "无", "否"})


def fold_header(header: str) -> str:
    """A header without case, brackets, units and punctuation: 'Ki-67 (%)' -> 'ki67'."""
    text = unicodedata.normalize("NFKC", header).casefold()
    text = re.sub(r"[(\[{].*?[)\]}]", "", text)
    return "".join(c for c in text if c.isalnum())


@lru_cache(2**16)  # cells of a column are few values
def fold_value(value: str) -> str:
    """A cell without case, odd spaces and wide forms; every kind of minus sign becomes '-'."""
    text = unicodedata.normalize("NFKC", value).casefold()
    text = re.sub("[−‐‑‒–—﹣]", "-", text)
    return " ".join(text.replace("≤", "<").replace("≥", ">").split())


def fold_id(patient_id: str) -> str:
    """An id as two people may write it: `fold_value`, and no zeros in front of its numbers (but 1.05 is not 1.5)."""
    return re.sub(r"(?<![\d.,])0+(?=\d)", "", fold_value(patient_id))


def known_header(header: str) -> str | None:
    """Our name for a header that is understood without being told, or None."""
    folded = fold_header(header)
    return _LOOKUP.get(folded)


def words_of(name: str, levels: Iterable[str] = ()) -> tuple[dict[str, int], tuple[str, ...]]:
    """Accepted words of a binary column -> 0 or 1, and the list to print in an error.

    levels : the column's own negative and positive word, where declared.
    """
    own_no, own_yes = _WORDS.get(name, ((), ()))
    no, yes = _FISH if name == "her2_fish" else ((*_NO, *own_no), (*_YES, *own_yes))
    table = dict.fromkeys(no, 0) | dict.fromkeys(yes, 1)
    named = tuple(levels)
    if named:
        table |= {fold_value(named[0]): 0, fold_value(named[1]): 1}
    return table, (*dict.fromkeys((*named[:1], *no)), *dict.fromkeys((*named[1:], *yes)))


def relatives(target: str) -> tuple[str, ...]:
    """Columns known to be derived from a target, or it from them; its known name where it has a spelling of its own."""
    ours = known_header(target) or target
    return tuple(name for name in (ours, *DERIVED.get(ours, ())) if name != target)


def never_predict(targets: Iterable[Target]) -> dict[str, str]:
    """Column -> the target it is, or is derived from; these columns never predict."""
    found: dict[str, str] = {}
    for target in targets:
        for name in (target.name, *target.derived_from):
            found.setdefault(name, target.name)
    return found


def banned_as(name: str, banned: Mapping[str, str]) -> str | None:
    """The target that forbids a column, however its header spells a known name; None where it may predict."""
    return banned.get(name) or banned.get(known_header(name) or name)


_LOOKUP = {fold_header(word): name for name, words in _HEADERS.items() for word in (name, *words)}
