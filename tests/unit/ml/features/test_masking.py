"""Masking: what is masked, how often, and that the rest is unchanged."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.core.bundle import NUMBERS, TEXTS
from ml.features.masking import apply_mask, keep_only, mask_fields, mask_groups, random_mask
from ml.features.tables import Inputs, model_inputs, without_history
from ml.schema import BY_NAME, FEATURE_NAMES, FEATURES, HISTORY_NAMES, INPUTS, UNKNOWN, Group

GROUPS = tuple(dict.fromkeys(column.group for column in FEATURES))
HISTORY_PLACES = [place for place, column in enumerate(INPUTS) if column.group is Group.HISTORY]
FEATURE_PLACES = [place for place, column in enumerate(INPUTS) if column.group is not Group.HISTORY]
OUTSIDE = ["encounter_id", "patient_nbr", "readmitted"]


def known(inputs: Inputs) -> pd.DataFrame:
    """Which values of the inputs are known, by name."""
    texts = pd.DataFrame(inputs.texts != UNKNOWN, columns=list(TEXTS))
    return texts.assign(**dict(zip(NUMBERS, ~np.isnan(inputs.numbers).T, strict=True)))


def test_masked_values_are_unknown_and_others_unchanged(train_table: pd.DataFrame) -> None:
    inputs = model_inputs(train_table)
    hidden = np.random.default_rng(1).random((len(inputs), len(INPUTS))) < 0.5
    masked = apply_mask(inputs, hidden)
    by_name = pd.DataFrame(hidden, columns=[column.name for column in INPUTS])

    pd.testing.assert_frame_equal(known(masked), known(inputs) & ~by_name[known(inputs).columns])
    np.testing.assert_array_equal(np.where(masked.texts == UNKNOWN, inputs.texts, masked.texts), inputs.texts)
    np.testing.assert_array_equal(np.where(np.isnan(masked.numbers), inputs.numbers, masked.numbers), inputs.numbers)
    assert (masked.texts.dtype, masked.numbers.dtype) == (inputs.texts.dtype, inputs.numbers.dtype)


def test_masking_does_not_change_the_original(train_table: pd.DataFrame) -> None:
    inputs = model_inputs(train_table)
    before = (inputs.texts.copy(), inputs.numbers.copy())
    apply_mask(inputs, np.ones((len(inputs), len(INPUTS)), dtype=bool))

    np.testing.assert_array_equal(inputs.texts, before[0])
    np.testing.assert_array_equal(inputs.numbers, before[1])


def test_random_masks_cover_all_shares_of_known_fields() -> None:
    share = random_mask(30_000, seed=1)[:, FEATURE_PLACES].mean(axis=1)

    assert np.histogram(share, bins=5, range=(0, 1))[0].min() > 30_000 * 0.05
    assert (share == 0).any()
    assert (share == 1).any()


def test_random_masks_mask_fields_groups_or_one_group_in_a_third_of_the_rows_each() -> None:
    hidden = random_mask(30_000, seed=2)
    of_group = [[place for place in FEATURE_PLACES if INPUTS[place].group is group] for group in GROUPS]
    whole = np.stack([hidden[:, places].all(axis=1) for places in of_group], axis=1)
    partly = np.stack([hidden[:, places].any(axis=1) for places in of_group], axis=1) & ~whole
    by_group = ~partly.any(axis=1)

    # By chance, drawing field by field hides nothing or everything, and drawing groups hides just one of them.
    nothing_or_all, just_one = 2 / (len(FEATURE_PLACES) + 1), len(GROUPS) / 2 ** len(GROUPS)
    assert by_group.mean() == pytest.approx((2 + nothing_or_all) / 3, abs=0.015)
    assert (by_group & (whole.sum(axis=1) == 1)).mean() == pytest.approx((1 + just_one) / 3, abs=0.015)
    one = whole[by_group & (whole.sum(axis=1) == 1)].mean(axis=0)
    np.testing.assert_allclose(one, 1 / len(GROUPS), atol=0.02, err_msg="every group is as often the one")


def test_history_is_masked_as_a_whole_in_half_of_the_rows() -> None:
    hidden = random_mask(30_000, seed=3)
    history, share = hidden[:, HISTORY_PLACES], hidden[:, FEATURE_PLACES].mean(axis=1)

    assert (history.all(axis=1) | ~history.any(axis=1)).all()
    assert history.mean() == pytest.approx(0.5, abs=0.01)
    assert np.corrcoef(history[:, 0], share)[0, 1] == pytest.approx(0, abs=0.025)


def test_random_masks_depend_on_the_seed_only() -> None:
    np.testing.assert_array_equal(random_mask(50, seed=4), random_mask(50, seed=4))
    assert (random_mask(50, seed=4) != random_mask(50, seed=5)).any()


@settings(max_examples=15, deadline=None)
@given(share=st.floats(0, 1), seed=st.integers(0, 1_000))
def test_each_field_is_masked_with_the_given_probability(test_table: pd.DataFrame, share: float, seed: int) -> None:
    before, after = test_table[list(FEATURE_NAMES)].notna(), mask_fields(test_table, share, seed)[list(FEATURE_NAMES)]
    hidden, known_before = (before & after.isna()).sum(), before.sum()
    spread = np.sqrt(known_before * share * (1 - share))

    assert not (after.notna() & ~before).any(axis=None), "hiding makes nothing known"
    assert ((hidden - known_before * share).abs() <= 5 * spread + 5).all()


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_masking_fields_masks_the_history_and_no_identifiers_or_outcome(test_table: pd.DataFrame, share: float) -> None:
    masked = mask_fields(test_table, share, seed=1)

    assert masked[list(HISTORY_NAMES)].isna().all(axis=None)
    pd.testing.assert_frame_equal(masked[OUTSIDE], test_table[OUTSIDE])
    assert masked.dtypes.equals(test_table.dtypes)


def test_masking_no_fields_removes_the_history(test_table: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(mask_fields(test_table, 0, seed=1), without_history(test_table))


def test_masking_all_fields_leaves_nothing_known(test_table: pd.DataFrame) -> None:
    assert not known(model_inputs(mask_fields(test_table, 1, seed=1))).any(axis=None)


def test_only_named_fields_are_kept(test_table: pd.DataFrame) -> None:
    kept = keep_only(test_table, ("race", "gender", "age"))
    still = known(model_inputs(kept)).any()

    assert set(still.index[still]) == {"race", "gender", "age"}
    assert kept.drop(columns=[c.name for c in INPUTS if c.name not in still.index[still]]).equals(
        test_table[[name for name in test_table if name in {*still.index[still], *OUTSIDE}]]
    )
    assert test_table["earlier_stays"].notna().all(), "the table itself is unchanged"


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name.lower())
def test_a_masked_group_and_the_history_are_unknown(test_table: pd.DataFrame, group: Group) -> None:
    masked = mask_groups(test_table, (group,))

    for column in INPUTS:
        if column.group in (group, Group.HISTORY):
            assert masked[column.name].isna().all(), column.name
        else:
            pd.testing.assert_series_equal(masked[column.name], test_table[column.name])


def test_several_groups_are_masked_together(test_table: pd.DataFrame) -> None:
    masked = mask_groups(test_table, (Group.DIAGNOSES, Group.UTILISATION))
    gone = {name for name in FEATURE_NAMES if masked[name].isna().all()} - {
        name for name in FEATURE_NAMES if test_table[name].isna().all()
    }

    assert gone == {name for name in FEATURE_NAMES if BY_NAME[name].group in (Group.DIAGNOSES, Group.UTILISATION)}
