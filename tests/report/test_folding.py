"""A section stays open on its answer: its text, one table, one figure; everything else folds, and nothing is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dlr.report.blocks import Block, Copy, FigureBlock, Fold, Heading, Mark, Missing, Prose, TableBlock
from dlr.report.folding import folded


def table(name: str) -> TableBlock:
    return TableBlock(name, ("a",), (("1",),), (True,))


def figure(name: str) -> FigureBlock:
    return FigureBlock(name, name, "", (), f"{name}.pdf")


SAID, MORE = Prose(("The answer.",)), Prose(("More.",), quiet=True)


def test_one_table_and_one_figure_stay_open_and_text_follows_what_it_stands_after() -> None:
    blocks = [Mark("!"), SAID, figure("f1"), figure("f2"), table("t1"), MORE, table("t2")]
    assert folded(blocks) == (
        Mark("!"), SAID, figure("f1"), table("t1"), Fold("f2", (figure("f2"), MORE)), Fold("t2", (table("t2"),)),
    )  # fmt: skip


def test_what_is_under_a_heading_folds_under_it_with_the_headings_below() -> None:
    under = (table("t1"), Heading("er", 4), figure("f1"))
    assert folded([SAID, Heading("Further"), *under, Heading("Last"), MORE]) == (
        SAID, Fold("Further", under), Fold("Last", (MORE,)),
    )  # fmt: skip


def test_every_part_keeps_its_text_and_the_section_one_table_and_one_figure() -> None:
    er, pr = Heading("er", opens=True), Heading("pr", opens=True)
    blocks = [SAID, er, table("t1"), table("t2"), Heading("Sub", 4), MORE, pr, SAID, table("t3"), figure("f3")]
    assert folded(blocks) == (
        SAID, er, table("t1"), Fold("t2", (table("t2"),)), Fold("Sub", (MORE,)), pr, SAID,
        figure("f3"), Fold("t3", (table("t3"),)),
    )  # fmt: skip


def test_what_is_missing_stands_in_the_place_of_the_answer_or_folds_last() -> None:
    a, b = Missing("A", "why"), Missing("B", "why")
    assert folded([a, SAID]) == (a, SAID)
    assert folded([table("t"), a, Copy("c", "x"), b]) == (
        table("t"), Fold("c", (Copy("c", "x"),)), Fold("Not here: A, B", (a, b)),
    )  # fmt: skip


def test_a_heading_over_nothing_is_left_away() -> None:
    assert folded([SAID, Heading("Empty"), Heading("Full"), MORE]) == (SAID, Fold("Full", (MORE,)))


ANY = st.one_of(
    st.builds(Heading, st.sampled_from("HIJ"), st.sampled_from([3, 4]), st.booleans()),
    st.builds(table, st.text("t", min_size=1, max_size=3)), st.builds(figure, st.text("f", min_size=1, max_size=3)),
    st.builds(Missing, st.text("m"), st.just("why")), st.builds(Prose, st.tuples(st.text("p"))),
    st.builds(Mark, st.text("!")), st.builds(Copy, st.text("c"), st.just("x")),
)  # fmt: skip


@given(st.lists(ANY, max_size=14))
def test_no_block_is_lost_doubled_or_folded_within_a_fold(blocks: list[Block]) -> None:
    shown = folded(blocks)
    inside = [[block] if not isinstance(block, Fold) else list(block.blocks) for block in shown]
    flat = [block for group in inside for block in group]
    assert not any(isinstance(block, Fold) for block in flat)

    def others(found: list[Block]) -> list[str]:
        return sorted(map(repr, (block for block in found if not isinstance(block, Heading))))

    assert others(flat) == others(blocks)
